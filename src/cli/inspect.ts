// `eigenlens inspect MODEL`: its layers, what is not supported, and how samples would become inputs. Nothing is run.
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Preprocessing } from '../../analysis/network/network.ts';
import { plain } from '../../reports/plain.ts';
import { addKnobs } from './knobs.ts';
import { table } from './terminal.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  define(command: Command) {
    command
      .argument('<model>', 'An .onnx, .h5 or .keras file, or a TensorFlow.js model.json')
      .option('--nodes', 'List every operation rather than layers');
    addKnobs(command, ['input', 'output', 'inputShape', 'preprocess']);
  },
  async run({ args, flags, settings, terminal, folder }) {
    const { inspectModel } = await import('../../analysis/formats/inspect-model.ts');
    const { mergedPreprocessing } = await import('../../analysis/samples/input.ts');
    const found = await inspectModel(resolve(folder, args[0]!), {
      input: settings.input ?? undefined,
      output: settings.output ?? undefined,
      inputShape: settings.inputShape ?? undefined,
    });
    const inspection = { ...found, preprocessing: mergedPreprocessing(found.preprocessing, settings.preprocess) };
    const { name, format, parameterCount, multiplyAdds, layers, nodes, inputs, outputs, stripped, notes, unsupported } =
      inspection;

    const rows = flags['nodes']
      ? [
          ['node', 'op', 'output', 'parameters', 'multiply-adds', 'interpretation', 'layer'],
          ...nodes.map((node) => [
            node.name,
            node.op,
            sizes(node.outputShape),
            grouped(node.parameterCount),
            grouped(node.multiplyAdds),
            node.interpretation,
            node.layer ?? '',
          ]),
        ]
      : [
          ['layer', 'op', 'input', 'output', 'parameters', 'multiply-adds', 'then'],
          ...layers.map((layer) => [
            layer.name,
            layer.op,
            sizes(layer.inputShape),
            sizes(layer.outputShape),
            grouped(layer.parameterCount),
            grouped(layer.multiplyAdds),
            thenOf(layer),
          ]),
        ];
    terminal.print(
      `${plain(name)} (${format}): ${grouped(parameterCount)} parameters, ${grouped(multiplyAdds)} multiply-adds for one sample\n`,
    );
    terminal.print(table(rows));
    const described = (ends: typeof inputs): string =>
      ends
        .map((end) => `${end.name} ${sizes(end.shape)}${end.explained && ends.length > 1 ? ' (explained)' : ''}`)
        .join(', ');
    const lines = [
      `inputs: ${described(inputs)}`,
      `outputs: ${described(outputs)}${stripped ? `, a final ${stripped} taken off` : ''}`,
      `preprocessing: ${preprocessingText(inspection.preprocessing)}`,
      ...notes.map((note) => `note: ${note}`),
    ];
    terminal.print(`\n${lines.map(plain).join('\n')}`);
    for (const { op, node, reason } of unsupported)
      terminal.print(plain(`unsupported: ${op} at ${node}${reason ? ` (${reason})` : ''}`));
    const last =
      unsupported.length > 0
        ? `${unsupported.length} unsupported ${unsupported.length === 1 ? 'operation' : 'operations'}; nothing was written.`
        : 'Everything in it is supported; nothing was written.';
    return { json: inspection, last };
  },
};

const sizes = (shape: readonly number[]): string => shape.join('×');
const grouped = (count: number): string => count.toLocaleString('en-GB');
const thenOf = ({ op, ops }: { op: string; ops: readonly string[] }): string =>
  ops.slice(ops.indexOf(op) + 1).join(', ');

function preprocessingText({ scale, mean, std, channelOrder, size, source }: Preprocessing): string {
  const list = (values: readonly number[]): string =>
    values.every((value) => value === values[0]) ? String(values[0]) : `[${values.join(', ')}]`;
  const factor = scale === 1 ? 'raw' : Math.abs(scale * 255 - 1) < 1e-9 ? 'raw / 255' : `raw × ${scale}`;
  const centred = list(mean) === '0' ? factor : `(${factor} − ${list(mean)})`;
  const whole = list(std) === '1' ? centred : `${centred} / ${list(std)}`;
  // What is no picture has no colours.
  const colours = size || channelOrder !== 'grey' ? [channelOrder] : [];
  const pixels = size ? [`${size.join(' × ')} pixels`] : [];
  return `${[whole, ...colours, ...pixels].join(', ')} (${source})`;
}
