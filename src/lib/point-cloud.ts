// The island of a point cloud: fetches coordinates and colours when it comes into view, and draws points on a canvas,
// farther ones first, turned by dragging or with two sliders. Runs in the browser; no library.

/** Numbers of a little-endian float32 .npy file. */
export function readNpy(bytes: ArrayBuffer): Float32Array {
  const view = new DataView(bytes);
  const start = view.getUint8(6) >= 2 ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true);
  return Float32Array.from({ length: (bytes.byteLength - start) / 4 }, (_, i) => view.getFloat32(start + 4 * i, true));
}

/** Points turned about the vertical axis (z) and tilted towards the viewer, in degrees: right, up and near of each. */
export function turned(points: Float32Array, turn: number, tilt: number): Float32Array {
  const [a, b] = [(turn * Math.PI) / 180, (tilt * Math.PI) / 180];
  const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
  const result = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const [x, y, z] = [points[i]!, points[i + 1]!, points[i + 2]!];
    const away = sa * x + ca * y;
    result[i] = ca * x - sa * y;
    result[i + 1] = cb * z + sb * away;
    result[i + 2] = sb * z - cb * away;
  }
  return result;
}

/** Centred on the middle of its box; the farthest point at distance 1. */
export function centred(points: Float32Array): Float32Array {
  const middle = [0, 1, 2].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < points.length; i += 3) {
      low = Math.min(low, points[i]!);
      high = Math.max(high, points[i]!);
    }
    return (low + high) / 2;
  });
  const moved = points.map((value, i) => value - middle[i % 3]!);
  let far = 0;
  for (let i = 0; i < moved.length; i += 3) far = Math.max(far, Math.hypot(moved[i]!, moved[i + 1]!, moved[i + 2]!));
  return moved.map((value) => value / (far || 1));
}

/** Makes a `<point-cloud>` element work and shows it; where its files cannot be fetched it stays hidden. */
export function enhancePointCloud(element: HTMLElement): void {
  const canvas = element.querySelector('canvas')!;
  const context = canvas.getContext('2d');
  const choice = element.querySelector<HTMLSelectElement>('select')!;
  const [turn, tilt] = ['turn', 'tilt'].map((name) => element.querySelector<HTMLInputElement>(`[name=${name}]`)!);
  const note = element.querySelector('[role=status]')!;
  if (!context || !turn || !tilt || !location.protocol.startsWith('http')) return;
  const stops = element.dataset['stops']!.split(' ');
  const offsets = element.dataset['offsets']!.split(' ').map(Number);
  const fetched = new Map<string, Promise<Float32Array>>();
  const numbers = (path: string): Promise<Float32Array> => {
    const known = fetched.get(path);
    if (known) return known;
    const asked = fetch(path).then(async (answer) => {
      if (!answer.ok) throw new Error(`${answer.status}`);
      return readNpy(await answer.arrayBuffer());
    });
    fetched.set(path, asked);
    return asked;
  };
  let points: Float32Array = new Float32Array();
  let colours: string[] = [];

  const draw = (): void => {
    const { width, height } = canvas;
    context.clearRect(0, 0, width, height);
    const at = turned(points, Number(turn.value), Number(tilt.value));
    const scale = Math.min(width, height) * 0.6;
    const order = [...colours.keys()].sort((i, j) => at[3 * i + 2]! - at[3 * j + 2]!);
    for (const i of order) {
      context.beginPath();
      const radius = 5 + 2 * at[3 * i + 2]!;
      context.arc(width / 2 + at[3 * i]! * scale, height / 2 - at[3 * i + 1]! * scale, radius, 0, 2 * Math.PI);
      context.fillStyle = colours[i]!;
      context.fill();
      context.strokeStyle = '#5f5f5f';
      context.stroke();
    }
  };
  const paint = async (): Promise<void> => {
    const values = await numbers(choice.value);
    const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
    colours = Array.from(values, (value) => mixedStop((value / most + 1) / 2, offsets, stops));
    note.textContent = `Colours reach from −${most.toPrecision(3)} to +${most.toPrecision(3)}, what each point adds to the output. Drag to turn.`;
    draw();
  };
  const start = async (): Promise<void> => {
    try {
      points = centred(await numbers(element.dataset['points']!));
      await paint();
    } catch {
      element.hidden = true;
    }
  };
  for (const slider of [turn, tilt]) slider.addEventListener('input', draw);
  choice.addEventListener('change', () => void paint());
  let held: { x: number; y: number; turn: number; tilt: number } | null = null;
  canvas.addEventListener('pointerdown', (event) => {
    held = { x: event.clientX, y: event.clientY, turn: Number(turn.value), tilt: Number(tilt.value) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!held) return;
    turn.value = String(((((held.turn + (event.clientX - held.x) / 2 + 180) % 360) + 360) % 360) - 180);
    tilt.value = String(held.tilt + (event.clientY - held.y) / 2);
    draw();
  });
  for (const name of ['pointerup', 'pointercancel'] as const) canvas.addEventListener(name, () => (held = null));
  element.hidden = false;
  new IntersectionObserver(([entry], observer) => {
    if (!entry?.isIntersecting) return;
    observer.disconnect();
    void start();
  }).observe(element);
}

/** The two stops around an offset, mixed. */
function mixedStop(offset: number, offsets: readonly number[], stops: readonly string[]): string {
  const above = Math.max(
    1,
    offsets.findIndex((stop) => stop >= offset),
  );
  const [low, high] = [offsets[above - 1]!, offsets[above]!];
  const share = Math.min(1, Math.max(0, (offset - low) / (high - low)));
  const channel = (colour: string, i: number): number => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = [0, 1, 2].map((i) =>
    Math.round(channel(stops[above - 1]!, i) * (1 - share) + channel(stops[above]!, i) * share),
  );
  return `rgb(${mixed.join(' ')})`;
}
