// Every method, in the order in which a report is read; one line each.
import { biasSharesMethod } from './bias-shares.ts';
import { inputOutputMap } from './input-output-map.ts';
import type { Method } from './method.ts';
import { outputContributions } from './output-contributions.ts';
import { weightDirections } from './weight-directions.ts';

export const METHODS: readonly Method[] = [weightDirections, biasSharesMethod, inputOutputMap, outputContributions];
