// Asks for pages of 100 samples in a process of its own, in process and through the fetch handler, so that memory is that
// of the reader alone. Prints one line of JSON. Arguments: the reports' folder, the report's id.
import { createHandler } from '../../graphql/handler.ts';
import { query } from '../../graphql/query.ts';
import { openStore } from '../../reports/store.ts';
import { random } from '../../analysis/random.ts';

const [folder = '', id = ''] = process.argv.slice(2);
const REQUESTS = 1000;

const HEAD = 'name label prediction confidence correct decisionLayer meanVariation';
const page = (args: string, fields: string) =>
  `query Page($id: ID!, $after: String ${args.includes('$label') ? ', $label: String' : ''}) { model(id: $id) { samples(first: 100, after: $after ${args}) {
    totalCount pageInfo { hasNextPage endCursor } nodes { ${fields} } } } }`;
const TRACE = 'decisionTrace { decisionLayer classes variation }';

const DOCUMENTS: readonly (readonly [string, string])[] = [
  ['in the order of the input', page('', HEAD)],
  ['wrong ones, most uncertain first', page(', filter: { correct: false }, orderBy: UNCERTAINTY', HEAD)],
  [
    'of a class, decided late',
    page(', filter: { label: $label, decisionLayerAtLeast: 12 }, orderBy: CONFIDENCE', HEAD),
  ],
  ['with their traces', page('', `${HEAD} ${TRACE}`)],
  ['with traces, most uncertain first', page(', orderBy: UNCERTAINTY', `${HEAD} ${TRACE}`)],
];
const LABELS = ['cat', 'dog', 'Straßenbahn'];

const store = openStore(folder);
const handler = createHandler(store);
const draw = random(1, 'pages');
const cursorAt = (position: number) => Buffer.from(`after:${position}`).toString('base64url');

const started = performance.now();
await query(store, '{ models { nodes { report } } }');
const opening = performance.now() - started;

const rows = [];
for (const [name, document] of DOCUMENTS) {
  for (const served of [false, true]) {
    const times: number[] = [];
    const processorTimes: number[] = [];
    let first = 0;
    for (let n = 0; n < REQUESTS; n++) {
      const variables = { id, after: cursorAt(Math.floor(draw.uniform() * 9_000)), label: LABELS[n % LABELS.length] };
      const body = JSON.stringify({ query: document, variables });
      const before = performance.now();
      const processorBefore = process.cpuUsage();
      if (served) {
        const request = new Request('http://localhost/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        });
        const response = await handler(request);
        if (response.status !== 200) throw new Error(await response.text());
        await response.text();
      } else {
        const { errors } = await query(store, document, variables);
        if (errors) throw errors[0]!;
      }
      const took = performance.now() - before;
      const { user, system } = process.cpuUsage(processorBefore);
      if (n === 0) first = took;
      else {
        times.push(took);
        processorTimes.push((user + system) / 1000);
      }
    }
    const at = (list: number[], share: number) =>
      list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(share * list.length))]!;
    const processor = { p50: at(processorTimes, 0.5), p99: at(processorTimes, 0.99) };
    rows.push({ name, served, first, p50: at(times, 0.5), p99: at(times, 0.99), most: at(times, 1), processor });
  }
}
console.log(JSON.stringify({ opening, rows, peakMegabytes: process.resourceUsage().maxRSS / 1000 }));
