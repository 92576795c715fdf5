// What a study compiled can be freed at any time between methods.
import { afterAll, expect, it } from 'vitest';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { chainNetwork } from './small-networks.ts';

const backend = await chooseBackend('onnxruntime');
afterAll(() => backend.dispose());

it('frees compiled programs, and compiles again what is asked for', async () => {
  const idle = backend.liveTensors();
  const { study, close } = await chainNetwork(backend, {});
  const answers = async (): Promise<number[]> => {
    const map = await study.map(0, { mode: 'frozen' });
    const { data } = await map.apply({ count: 1, size: map.at.length, data: map.at });
    const [values] = await study.values([study.network.output], 0, 1);
    return [...data, ...values!.data];
  };
  const before = await answers();
  expect(backend.liveTensors()).toBeGreaterThan(idle);
  study.release();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(backend.liveTensors()).toBe(idle);
  expect(await answers()).toEqual(before);
  await close();
});
