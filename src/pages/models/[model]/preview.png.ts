// What a link to a report shows elsewhere. Such a link needs the full address of the picture, so without one there is none.
import type { APIRoute } from 'astro';
import { allModels, type ModelFacts } from '../../../lib/data.ts';
import { drawPreview } from '../../../lib/preview.ts';

export async function getStaticPaths() {
  if (!import.meta.env.SITE) return [];
  return (await allModels()).map((model) => ({ params: { model: model.report }, props: { model } }));
}

export const GET: APIRoute<{ model: ModelFacts }> = async ({ props }) =>
  new Response(Uint8Array.from(await drawPreview(props.model)), { headers: { 'content-type': 'image/png' } });
