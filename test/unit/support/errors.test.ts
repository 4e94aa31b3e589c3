import { JestKubernetesError } from '../../../src/support/errors.js';

test('an error that is told otherwise keeps what is not said anew, and what it was caused by', () => {
  const cause = new Error('connect ECONNREFUSED');
  const error = new JestKubernetesError('STALLED', 'nothing moved', { evidence: ['a line'], cause });
  const told = error.with({ code: 'POD_CRASHED', message: 'the pod ends', bundle: '/shop/bundle' });
  expect(told).toMatchObject({ code: 'POD_CRASHED', evidence: ['a line'], bundle: '/shop/bundle', cause });
  expect(told.stack).toContain('the pod ends (POD_CRASHED)\n    a line\n  everything that was seen: ');
  expect(error).toMatchObject({ code: 'STALLED', message: 'nothing moved', bundle: undefined });
});

test('an error that nothing has caused has no cause when it is told otherwise', () => {
  const told = new JestKubernetesError('STALLED', 'nothing moved').with({ remedy: 'Look at the node.' });
  expect(Object.hasOwn(told, 'cause')).toBe(false);
  expect(told.remedy).toBe('Look at the node.');
});
