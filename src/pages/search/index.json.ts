// The index that the search page reads: models, layers, samples with a page, methods and terms.
import type { APIRoute } from 'astro';
import { allModels, samplesOf } from '../../lib/data.ts';
import { METHODS, TERMS } from '../../lib/glossary.ts';
import type { Entry } from '../../lib/search.ts';
import { layerUrl, modelUrl, sampleUrl, termUrl } from '../../lib/url.ts';

export const GET: APIRoute = async () => {
  const entries: Entry[] = [];
  for (const model of await allModels()) {
    const { report, name } = model;
    entries.push({
      t: name,
      k: 'model',
      u: modelUrl(report),
      x: report === name ? model.format : `${report} ${model.format}`,
    });
    for (const layer of model.layers)
      entries.push({ t: layer.name, k: 'layer', u: layerUrl(report, layer.index), x: `${name} ${layer.op}` });
    for (const sample of await samplesOf(report)) {
      const words = [name, sample.label, sample.prediction, sample.correct === false ? 'wrong' : null]
        .filter(Boolean)
        .join(' ');
      if (sample.detailed) entries.push({ t: sample.name, k: 'sample', u: sampleUrl(report, sample.index), x: words });
    }
  }
  for (const { id, title, question } of METHODS) entries.push({ t: title, k: 'method', u: termUrl(id), x: question });
  for (const { id, title } of TERMS) entries.push({ t: title, k: 'term', u: termUrl(id), x: '' });
  return Response.json(entries);
};
