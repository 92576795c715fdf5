// Builds the site of EIGENLENS_REPORTS in a process of its own, so that time and memory are those of the build alone.
// Prints one line of JSON.
import { fileURLToPath } from 'node:url';
import { build } from 'astro';

await build({ root: fileURLToPath(new URL('../../', import.meta.url)), logLevel: 'silent' });
const { user, system } = process.cpuUsage();
const processorSeconds = (user + system) / 1e6;
console.log(JSON.stringify({ processorSeconds, peakMegabytes: process.resourceUsage().maxRSS / 1000 }));
