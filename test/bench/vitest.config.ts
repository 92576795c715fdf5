import { defineConfig } from 'vitest/config';

/** One file after the other, alone on the machine; a bench prints ratios and fails only where its claim is broken by far. */
export default defineConfig({
  test: {
    include: ['test/bench/**/*.bench.ts'],
    testTimeout: 1_800_000,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
  },
});
