// The island of the map's rows and columns: a click on a pixel of the picture shows the row or column of the nearest pixel
// that the report has, and hides the others. Without script all of them stand there, numbered. No library.

interface Place {
  readonly row: number;
  readonly column: number;
}

/** Index of the place nearest to a point of the picture, the first one on a tie; −1 where there is none. */
export function nearestPlace(places: readonly Place[], at: Place): number {
  let [best, least] = [-1, Infinity];
  for (const [i, { row, column }] of places.entries()) {
    const distance = Math.hypot(row + 0.5 - at.row, column + 0.5 - at.column);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

/** Makes a `<field-picker>` element listen. */
export function enhanceFieldPicker(element: HTMLElement): void {
  const picture = element.querySelector('svg')!;
  const select = element.querySelector('select')!;
  const marks = [...element.querySelectorAll<SVGGElement>('[data-row]')];
  const items = [...element.querySelectorAll<HTMLElement>('li')];
  const places = marks.map(({ dataset }) => ({ row: Number(dataset['row']), column: Number(dataset['column']) }));
  const { width, height } = picture.viewBox.baseVal;

  const show = (chosen: number): void => {
    element.classList.toggle('is-single', chosen >= 0);
    select.value = chosen < 0 ? '' : String(chosen);
    for (const [i, item] of items.entries()) item.hidden = chosen >= 0 && i !== chosen;
    for (const [i, mark] of marks.entries()) mark.classList.toggle('is-chosen', i === chosen);
  };
  picture.addEventListener('click', (event) => {
    const box = picture.getBoundingClientRect();
    const at = {
      row: ((event.clientY - box.top) / box.height) * height,
      column: ((event.clientX - box.left) / box.width) * width,
    };
    show(nearestPlace(places, at));
  });
  select.addEventListener('change', () => show(select.value === '' ? -1 : Number(select.value)));
  select.closest('label')!.hidden = false;
  element.classList.add('is-live');
}
