import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { dedupe: ['graphql'] },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    // Node gives these packages another build of graphql than Vite gives us; two copies do not know each other's errors.
    server: { deps: { inline: ['graphql-yoga', 'graphql-http', /@graphql-tools/, /@graphql-inspector/, /@envelop/] } },
  },
});
