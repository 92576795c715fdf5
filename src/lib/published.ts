// In the browser: what is published beside a page. A page that was opened as a file may not fetch anything; there
// `eigenlens pack` has laid the same JSON beside it as a script, and pages are named in full.

/** Whether the page was opened from a disk and not from a server. */
export function openedAsFile(): boolean {
  return location.protocol === 'file:';
}

/** Reads JSON that lies on the site; throws where it cannot be had. */
export async function readPublished<T>(address: string): Promise<T> {
  if (!openedAsFile()) return (await fetch(address)).json() as Promise<T>;
  const script = document.createElement('script');
  script.src = `${address}.js`;
  await new Promise((done, fail) => {
    script.addEventListener('load', done);
    script.addEventListener('error', fail);
    document.head.append(script);
  });
  script.remove();
  return (globalThis as { published?: unknown }).published as T;
}

/** The address of a page that ends with a slash, as a link can follow it. */
export function pageAddress(address: string): string {
  return openedAsFile() ? address.replace(/\/(?=#|$)/, '/index.html') : address;
}
