// Every op by its id. An op is added by writing its file and naming it here.
import { activations } from './activations.ts';
import { add } from './add.ts';
import { averagePool } from './average-pool.ts';
import { batchNorm } from './batch-norm.ts';
import { concat } from './concat.ts';
import { convTranspose } from './conv-transpose.ts';
import { conv } from './conv.ts';
import { dense } from './dense.ts';
import { depthToSpace } from './depth-to-space.ts';
import { divide } from './divide.ts';
import { expand } from './expand.ts';
import { gather } from './gather.ts';
import { groupNorm } from './group-norm.ts';
import { identity } from './identity.ts';
import { instanceNorm } from './instance-norm.ts';
import { layerNorm } from './layer-norm.ts';
import { localResponseNorm } from './local-response-norm.ts';
import { logSoftmax } from './log-softmax.ts';
import { matMul } from './mat-mul.ts';
import { maxPool } from './max-pool.ts';
import { maximum } from './maximum.ts';
import { multiply } from './multiply.ts';
import { mvn } from './mvn.ts';
import type { Op } from './op.ts';
import { pad } from './pad.ts';
import { power } from './power.ts';
import { reduce } from './reduce.ts';
import { reshape } from './reshape.ts';
import { resize } from './resize.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { spaceToDepth } from './space-to-depth.ts';
import { subtract } from './subtract.ts';
import { tile } from './tile.ts';
import { transpose } from './transpose.ts';

const ops: readonly Op[] = [
  ...activations,
  add,
  averagePool,
  batchNorm,
  concat,
  conv,
  convTranspose,
  dense,
  depthToSpace,
  divide,
  expand,
  gather,
  groupNorm,
  identity,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  logSoftmax,
  matMul,
  maxPool,
  maximum,
  multiply,
  mvn,
  pad,
  power,
  reduce,
  reshape,
  resize,
  slice,
  softmax,
  spaceToDepth,
  subtract,
  tile,
  transpose,
];

export const opRegistry: ReadonlyMap<string, Op> = new Map(ops.map((op) => [op.id, op]));

/** Ids of all ops, in alphabetical order. */
export const supportedOps: readonly string[] = [...opRegistry.keys()].toSorted();

/** The op with this id; an unknown id is a bug, because formats refuse what is not supported. */
export function opOf(id: string): Op {
  const op = opRegistry.get(id);
  if (!op) throw new Error(`No op "${id}" is registered`);
  return op;
}
