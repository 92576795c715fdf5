// Every address of the site is made here, so that a site works under any base (conventions.md, Site).
// Layers and samples are addressed by index: names come from files and may hold anything.

/** Joins a base (`/` or `/path`) and a path relative to the site's root; each segment of the path is encoded. */
export function joinUrl(base: string, path: string): string {
  const [route = '', anchor] = path.split('#', 2);
  const encoded = route
    .split('/')
    .filter((segment) => segment !== '')
    .map(encodeURIComponent)
    .join('/');
  const slash = encoded !== '' && route.endsWith('/') ? '/' : '';
  const root = base.endsWith('/') ? base : `${base}/`;
  return `${root}${encoded}${slash}${anchor === undefined ? '' : `#${anchor}`}`;
}

/** The address of a path relative to the site's root, such as `glossary/#alpha` or `files/ab12.png`. */
export function url(path: string): string {
  return joinUrl(import.meta.env.BASE_URL, path);
}

/** The overview of a model, or an anchor or page below it. */
export function modelUrl(model: string, below = ''): string {
  return url(`models/${encodeSlashes(model)}/${below}`);
}

/** The page of a layer by its index, from 0. */
export function layerUrl(model: string, index: number, anchor = ''): string {
  return modelUrl(model, `layers/${index}/${anchor}`);
}

/** The page of a detailed sample by its index, from 0. */
export function sampleUrl(model: string, index: number, anchor = ''): string {
  return modelUrl(model, `samples/${index}/${anchor}`);
}

/** The explanation of a term or method. */
export function termUrl(term: string): string {
  return url(`glossary/#${term}`);
}

/** A report id is a folder name, so it cannot hold a slash; one that does must not open another page. */
function encodeSlashes(segment: string): string {
  return segment.replaceAll('/', '-').replaceAll('#', '-');
}
