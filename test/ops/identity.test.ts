import { identity } from '../../analysis/ops/identity.ts';
import { normalTensor, opLaws } from './op-laws.ts';

opLaws(identity, [{ name: 'an image', attributes: {}, inputs: [normalTensor([1, 2, 3, 3], 'x')] }]);
