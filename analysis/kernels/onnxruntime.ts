// Kernels on ONNX Runtime: a build function is recorded once as an ONNX graph, compiled, and run natively.
import * as ort from 'onnxruntime-node';
import type { Backend, Shape, Tensor } from './kernels.ts';
import { record } from './onnx-recorder.ts';
import { textOf } from './shapes.ts';

const sessionOptions: ort.InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  // An arena would keep the working memory of a program's largest run; what is freed goes back, at no cost that shows.
  enableCpuMemArena: false,
  // Errors are thrown; printing them as well helps nobody.
  logSeverityLevel: 4,
  extra: {
    // The pad fusion takes zeros before a maximum for the pool's own padding, and merges more than a pool may have. The
    // other takes a constant that stands on the left for good reason (its columns are few) back to the right.
    'optimization.disable_specified_optimizers': 'Pad_Fusion;GemmTransposeFusion',
    // Programs take turns: threads of one that wait in a loop for longer keep the next from working (2.6 times the
    // processor time); threads that sleep at once wake too late for the next node.
    'session.intra_op.spin_duration_us': '100',
    'session.force_spinning_stop': '1',
  },
};

/** What a session takes beside its constants, which it keeps twice: as they are and as its kernels want them. */
const SESSION_BYTES = 2 ** 20;

/** A program and the session that runs it, while there is one. */
interface Compiled {
  session: ort.InferenceSession | null;
  bytes: number;
  constantCount: number;
  outputCount: number;
  running: number;
}

/**
 * ONNX Runtime on the processor. A program holds its constants, and working memory only while it runs. Where programs
 * together hold more than `keepWithin` says, the sessions that ran longest ago are closed, and opened again when needed.
 */
export function onnxruntimeBackend(): Backend {
  /** Those with an open session, the one that ran longest ago first. */
  const open = new Set<Compiled>();
  let limit = Infinity;

  async function close(compiled: Compiled): Promise<void> {
    const { session } = compiled;
    open.delete(compiled);
    compiled.session = null;
    await session?.release();
  }
  /** Closes what fits no more beside `bytes` more; the one that ran last stays where there is nothing to come. */
  function makeRoom(bytes = 0): void {
    let held = bytes;
    for (const one of open) held += one.bytes;
    for (const one of bytes > 0 ? open : [...open].slice(0, -1)) {
      if (held <= limit) return;
      if (one.running > 0) continue;
      held -= one.bytes;
      void close(one);
    }
  }
  return {
    id: 'onnxruntime',
    version: ort.env.versions.node ?? ort.env.versions.common,
    precision: 'float32',
    async compile(inputs, build) {
      const compiled: Compiled = { session: null, bytes: 0, constantCount: 0, outputCount: 0, running: 0 };
      let disposed = false;
      let opening: Promise<ort.InferenceSession> | null = null;
      const opened = async (): Promise<ort.InferenceSession> => {
        const { model, weights, outputCount, constantCount } = record(inputs, build);
        const bytes = 2 * weights.reduce((sum, { data }) => sum + data.byteLength, model.byteLength) + SESSION_BYTES;
        makeRoom(bytes);
        const session = await ort.InferenceSession.create(model, { ...sessionOptions, externalData: weights });
        Object.assign(compiled, { session, bytes, constantCount, outputCount });
        open.add(compiled);
        return session;
      };
      await opened();
      return {
        async run(given) {
          if (disposed) throw new Error('This program has been disposed of.');
          const feeds = feedsOf(inputs, given);
          compiled.running++;
          try {
            // Two runs that find the session closed wait for the same one.
            const session = compiled.session ?? (await (opening ??= opened().finally(() => (opening = null))));
            open.delete(compiled);
            open.add(compiled);
            const results = await session.run(feeds);
            return Array.from({ length: compiled.outputCount }, (_, i) => {
              const { data, dims } = results[`output${i}`]!;
              return { data: data as Float32Array, shape: dims };
            });
          } finally {
            compiled.running--;
            // A run that had been asked for before still needed the session.
            if (disposed && compiled.running === 0) void close(compiled);
            makeRoom();
          }
        },
        dispose() {
          disposed = true;
          if (compiled.running === 0) void close(compiled);
        },
      };
    },
    keepWithin(bytes) {
      limit = bytes;
      makeRoom();
    },
    liveTensors: () => [...open].reduce((sum, { constantCount }) => sum + constantCount, 0),
    async dispose() {
      await Promise.all([...open].map(close));
    },
  };
}

function feedsOf(inputShapes: readonly Shape[], inputs: readonly Tensor[]): Record<string, ort.Tensor> {
  const feeds: Record<string, ort.Tensor> = {};
  inputShapes.forEach((shape, i) => {
    const { data, shape: given } = inputs[i]!;
    if (given.length !== shape.length + 1 || shape.some((n, axis) => n !== given[axis + 1])) {
      throw new Error(
        `Input ${i} of a program has shape ${textOf(given)}; it was built for ${textOf([null, ...shape])}.`,
      );
    }
    feeds[`input${i}`] = new ort.Tensor('float32', data, given);
  });
  return feeds;
}
