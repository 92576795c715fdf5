// The difference map of two pictures, head − base.
import type { APIRoute } from 'astro';
import { comparedPairs, differenceMap, picturesOf, type Picture, type PicturePair } from '../../../lib/comparison.ts';

interface Props {
  readonly picture: Picture;
  readonly difference: NonNullable<PicturePair['difference']>;
}

export async function getStaticPaths() {
  const pairs = await comparedPairs();
  const pages = pairs.map(async (pair) =>
    (await picturesOf(pair)).flatMap(({ id, base, difference }) =>
      difference ? [{ params: { pair: pair.id, picture: id }, props: { picture: base, difference } }] : [],
    ),
  );
  return (await Promise.all(pages)).flat();
}

export const GET: APIRoute<Props> = async ({ props: { picture, difference } }) =>
  new Response(Uint8Array.from(await differenceMap(picture, difference)), { headers: { 'content-type': 'image/png' } });
