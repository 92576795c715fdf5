import { describe, expect, test } from 'vitest';
import { judge, type CertificateNumbers } from '../../src/lib/certificate.ts';

const none: CertificateNumbers = {
  completeness: null,
  cancellation: null,
  adjointness: null,
  residuals: [],
  converged: null,
  applications: null,
  reconstruction: null,
  remainder: null,
};

describe('a certificate in words', () => {
  test('the worst of its errors decides', () => {
    expect(judge({ ...none, completeness: 3e-7, adjointness: 1e-8 })).toMatchObject({ grade: 'exact', worst: 3e-7 });
    expect(judge({ ...none, completeness: 3e-7, residuals: [1e-8, 4e-4] })).toMatchObject({
      grade: 'good',
      worst: 4e-4,
    });
    expect(judge({ ...none, adjointness: 0.02 })).toMatchObject({ grade: 'rough', worst: 0.02 });
  });

  test('what was not checked is called so', () => {
    expect(judge(none)).toEqual({ grade: 'unchecked', worst: null, checks: [] });
  });

  test('directions that did not converge are never called exact', () => {
    expect(judge({ ...none, residuals: [1e-8, 1e-7, 1e-7], converged: 2 }).grade).toBe('good');
  });

  test('parts that cancel are named where they cost digits, and change no grade', () => {
    const named = (cancellation: number) => {
      const { grade, checks } = judge({ ...none, completeness: 2e-4, cancellation });
      expect(grade).toBe('good');
      return checks.some(({ name }) => name === 'Cancellation');
    };
    expect([named(4), named(2200)]).toEqual([false, true]);
  });

  test('a share that is left out is said, but is no error', () => {
    const { grade, checks } = judge({ ...none, completeness: 1e-8, remainder: 0.4 });
    expect(grade).toBe('exact');
    expect(checks.map(({ value }) => value)).toContain('40\u00a0%');
  });
});
