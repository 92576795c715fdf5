#!/usr/bin/env node
// The command. It is JavaScript so that any Node can start it: one that cannot run TypeScript itself hands over to the
// Node that the package brings along, and one that strips types everywhere but below node_modules to itself, with a hook.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = new URL('./main.ts', import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

const able = major > 22 || (major === 22 && minor >= 18);
const installed = import.meta.url.includes('/node_modules/');

if (able && !installed) {
  // That types are stripped is our choice and no news to a user; other warnings stay.
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (warning, ...rest) => {
    const kind = typeof rest[0] === 'object' ? rest[0]?.type : rest[0];
    if (kind !== 'ExperimentalWarning') emitWarning(warning, ...rest);
  };
  await import(main.href);
} else {
  handOver();
}

function handOver() {
  let node = able ? process.execPath : undefined;
  try {
    const folder = () => dirname(createRequire(import.meta.url).resolve('node/package.json'));
    node ??= join(folder(), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    console.error(
      `eigenlens needs Node 22.18 or later; this is ${process.version} and the package "node" is not installed.\n  Run npm ci, or install Node 22.`,
    );
    process.exit(5);
  }
  const hook = installed ? [`--import=${new URL('./strip-types.js', import.meta.url).href}`] : [];
  const flags = ['--disable-warning=ExperimentalWarning', ...hook];
  const child = spawn(node, [...flags, fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes; without one the signal reaches only this one.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    console.error(`eigenlens: ${node} does not start (${error.message}).\n  Run npm ci.`);
    process.exit(5);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 128 + (signal === 'SIGINT' ? 2 : 15) : (code ?? 1)));
}
