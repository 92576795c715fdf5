// The index that the search page reads: models, layers, samples with a page, methods and terms.
import type { APIRoute } from 'astro';
import { allModels, samplesOf } from '../../lib/data.ts';
import { layerTitle } from '../../lib/facts.ts';
import { METHODS, TERMS } from '../../lib/glossary.ts';
import type { Entry } from '../../lib/search.ts';
import { layerUrl, modelUrl, sampleUrl, termUrl, url } from '../../lib/url.ts';

/** An address below the site's root: shorter, and right wherever the site stands. */
const below = (address: string): string => address.slice(url('').length);

export const GET: APIRoute = async () => {
  const entries: Entry[] = [];
  for (const model of await allModels()) {
    const { report, name } = model;
    entries.push({
      t: report,
      k: 'model',
      u: below(modelUrl(report)),
      x: report === name ? model.format : `${name} ${model.format}`,
    });
    for (const layer of model.layers) {
      const title = layerTitle(layer.name);
      entries.push({ t: title, k: 'layer', u: below(layerUrl(report, layer.index)), x: `${report} ${layer.op}` });
    }
    for (const sample of await samplesOf(report)) {
      const words = [report, sample.label, sample.prediction, sample.correct === false ? 'wrong' : null]
        .filter(Boolean)
        .join(' ');
      if (sample.detailed)
        entries.push({ t: sample.name, k: 'sample', u: below(sampleUrl(report, sample.index)), x: words });
    }
  }
  for (const { id, title, question } of METHODS)
    entries.push({ t: title, k: 'method', u: below(termUrl(id)), x: question });
  for (const { id, title } of TERMS) entries.push({ t: title, k: 'term', u: below(termUrl(id)), x: '' });
  return Response.json(entries);
};
