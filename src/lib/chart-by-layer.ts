// One number a layer, or one a layer and kind: bars or points beside the names of the layers, and for deep networks a line
// over their positions, because a hundred names are neither legible nor light.
import { NAME_AXIS } from './chart.ts';

/** From here on layers are drawn by position. */
const MANY_LAYERS = 24;

export interface LayerPoint {
  readonly layer: string;
  /** Which of several series it belongs to. */
  readonly kind?: string;
  readonly value: number;
  /** Standard deviation, drawn to both sides. */
  readonly sd?: number;
}

export interface LayerChart {
  /** What a value is, with its unit. */
  readonly title: string;
  /** Values are shares of one. */
  readonly share?: boolean;
  /** Series in order; their colours, in the same order, are the theme's unless given. */
  readonly kinds?: readonly string[];
  readonly colours?: readonly string[];
  readonly mark?: 'bar' | 'point' | 'grouped';
}

const SERIES = ['var(--series-1)', 'var(--series-2)', 'var(--series-3)'];
const SHAPES = ['circle', 'square', 'triangle-up'];
const DASHES = [
  [1, 0],
  [5, 3],
  [2, 2],
];

/** A Vega-Lite spec of the points, which come in the order of the network. */
export function chartByLayer(points: readonly LayerPoint[], chart: LayerChart): object {
  const layers = [...new Set(points.map(({ layer }) => layer))];
  const position = new Map(layers.map((layer, i) => [layer, i + 1]));
  const values = points.map(({ layer, kind = '', value, sd = 0 }) => ({
    layer,
    position: position.get(layer),
    kind,
    value,
    low: value - sd,
    high: value + sd,
  }));
  const spread = points.some(({ sd }) => sd !== undefined && sd > 0);
  // Bands of several series would hide each other.
  const banded = spread && (chart.kinds?.length ?? 0) < 2;
  return {
    data: { values },
    ...(layers.length > MANY_LAYERS ? overPositions(chart, banded) : besideNames(chart, spread)),
  };
}

const measure = ({ title, share }: LayerChart, field: string, count: number) => ({
  field,
  type: 'quantitative',
  ...(share ? { scale: { domain: [0, 1] } } : {}),
  axis: { title, tickCount: count, grid: true, ...(share ? { format: '.0%' } : {}) },
});

function colourOf({ kinds = [], colours = SERIES }: LayerChart, legend?: object): object {
  return kinds.length === 0
    ? { value: colours[0] }
    : {
        field: 'kind',
        type: 'nominal',
        scale: { domain: kinds, range: colours.slice(0, kinds.length) },
        ...(legend ? { legend } : {}),
      };
}

function besideNames(chart: LayerChart, spread: boolean): object {
  const { mark = 'bar', kinds = [] } = chart;
  const x = measure(chart, 'value', 5);
  const bars = {
    mark:
      mark === 'point'
        ? { type: 'point', filled: true, size: 60, opacity: 1 }
        : { type: 'bar', ...(mark === 'bar' ? { height: { band: 0.62 } } : {}) },
    encoding: {
      x,
      color: colourOf(chart),
      ...(mark === 'grouped' ? { yOffset: { field: 'kind', sort: null } } : {}),
      ...(mark === 'point' && kinds.length > 1
        ? { shape: { field: 'kind', type: 'nominal', scale: { domain: kinds, range: SHAPES.slice(0, kinds.length) } } }
        : {}),
    },
  };
  const deviations = {
    mark: { type: 'rule', stroke: 'var(--series-0)', strokeWidth: 2 },
    encoding: {
      x: { field: 'low', type: 'quantitative' },
      x2: { field: 'high' },
      ...(mark === 'grouped' ? { yOffset: { field: 'kind', sort: null } } : {}),
    },
  };
  return {
    height: { step: mark === 'grouped' ? 12 : 22 },
    encoding: { y: { field: 'layer', type: 'nominal', sort: null, axis: { ...NAME_AXIS, grid: mark === 'point' } } },
    layer: spread ? [bars, deviations] : [bars],
  };
}

/** The title of a vertical axis, written above it: sideways there is room for a few words only. */
function overhead<Measure extends { axis: object }>(measured: Measure): Measure {
  const title = {
    titleAngle: 0,
    titleAlign: 'left',
    titleAnchor: 'end',
    titleBaseline: 'bottom',
    titleX: -30,
    titleY: -8,
  };
  return { ...measured, axis: { ...measured.axis, ...title } };
}

/** Legends stand above the title of the vertical axis. */
const BELOW_TITLE = { offset: 24 };

function overPositions(chart: LayerChart, spread: boolean): object {
  const { kinds = [] } = chart;
  const line = {
    mark: { type: 'line', strokeWidth: 1.75 },
    encoding: {
      y: overhead(measure(chart, 'value', 4)),
      color: colourOf(chart, BELOW_TITLE),
      ...(kinds.length > 1
        ? {
            strokeDash: {
              field: 'kind',
              type: 'nominal',
              scale: { domain: kinds, range: DASHES.slice(0, kinds.length) },
              legend: BELOW_TITLE,
            },
          }
        : {}),
    },
  };
  const band = {
    mark: { type: 'area', fill: 'var(--series-0)', fillOpacity: 0.25 },
    encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
  };
  return {
    encoding: {
      x: {
        field: 'position',
        type: 'quantitative',
        scale: { nice: false, zero: false },
        axis: { title: 'layer, by position in the network', tickMinStep: 1, tickCount: 6 },
      },
    },
    layer: spread ? [band, line] : [line],
  };
}
