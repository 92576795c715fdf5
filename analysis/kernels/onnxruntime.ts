// Kernels on ONNX Runtime: a build function is recorded once as an ONNX graph, compiled, and run natively.
import * as ort from 'onnxruntime-node';
import type { Backend, Program, Shape } from './kernels.ts';
import { record } from './onnx-recorder.ts';
import { textOf } from './shapes.ts';

const sessionOptions: ort.InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  // Errors are thrown; printing them as well helps nobody.
  logSeverityLevel: 4,
  extra: {
    // Its pad fusion takes zeros before a maximum for the pool's own padding, and merges more than a pool may have.
    'optimization.disable_specified_optimizers': 'Pad_Fusion',
    // Programs take turns: threads of one that wait in a loop for longer keep the next from working (2.6 times the
    // processor time); threads that sleep at once wake too late for the next node.
    'session.intra_op.spin_duration_us': '100',
    'session.force_spinning_stop': '1',
  },
};

/** ONNX Runtime on the processor. A program holds the working memory of its largest run until it is disposed of. */
export function onnxruntimeBackend(): Backend {
  // Open sessions, and how many constants each holds.
  const sessions = new Map<ort.InferenceSession, number>();
  return {
    id: 'onnxruntime',
    version: ort.env.versions.node ?? ort.env.versions.common,
    precision: 'float32',
    async compile(inputs, build) {
      const { model, outputCount, constantCount } = record(inputs, build);
      const session = await ort.InferenceSession.create(model, sessionOptions);
      sessions.set(session, constantCount);
      return program(session, inputs, outputCount, () => {
        if (sessions.delete(session)) void session.release();
      });
    },
    liveTensors: () => [...sessions.values()].reduce((sum, count) => sum + count, 0),
    async dispose() {
      const open = [...sessions.keys()];
      sessions.clear();
      await Promise.all(open.map((session) => session.release()));
    },
  };
}

function program(
  session: ort.InferenceSession,
  inputShapes: readonly Shape[],
  outputCount: number,
  release: () => void,
): Program {
  let running = 0;
  let disposed = false;
  // A run that has been asked for but not begun still needs the session.
  const settle = (): void => {
    if (disposed && running === 0) release();
  };
  return {
    async run(inputs) {
      if (disposed) throw new Error('This program has been disposed of.');
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
      running++;
      try {
        const results = await session.run(feeds);
        return Array.from({ length: outputCount }, (_, i) => {
          const { data, dims } = results[`output${i}`]!;
          return { data: data as Float32Array, shape: dims };
        });
      } finally {
        running--;
        settle();
      }
    },
    dispose() {
      disposed = true;
      settle();
    },
  };
}
