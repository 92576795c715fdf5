// The difference map of two pictures, head − base.
import type { APIRoute } from 'astro';
import { comparedPairs, differenceMap, picturesOf, type PicturePair } from '../../../lib/comparison.ts';

export async function getStaticPaths() {
  const pairs = await comparedPairs();
  const pages = pairs.map(async (pair) =>
    (await picturesOf(pair)).map((picture) => ({ params: { pair: pair.id, picture: picture.id }, props: { picture } })),
  );
  return (await Promise.all(pages)).flat();
}

export const GET: APIRoute<{ picture: PicturePair }> = async ({ props }) =>
  new Response(Uint8Array.from(await differenceMap(props.picture)), { headers: { 'content-type': 'image/png' } });
