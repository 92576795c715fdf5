// All samples of a model as rows, for the script that filters and sorts the table.
import type { APIRoute } from 'astro';
import { allModels, samplesOf } from '../../../../lib/data.ts';
import { rowOf } from '../../../../lib/sample-rows.ts';

export async function getStaticPaths() {
  return (await allModels()).map((model) => ({ params: { model: model.report } }));
}

export const GET: APIRoute = async ({ params }) => Response.json((await samplesOf(params.model!)).map(rowOf));
