import { WorkerEnvironment } from '../../../src/run/environment.js';

/** As a test of another run's has it. */
const outer = { JEST_KUBERNETES_OWNER: 'theirs', KUBECONFIG: '/theirs', PATH: '/bin' };

test('what a run sets, and what it takes away, is as before at its end', () => {
  const env: NodeJS.ProcessEnv = { ...outer };
  const environment = new WorkerEnvironment(env);
  environment.set({ KUBECONFIG: '/mine', JEST_KUBERNETES_OWNER: undefined, PGHOST: '127.0.0.1' });
  expect(env).toEqual({ KUBECONFIG: '/mine', PGHOST: '127.0.0.1', PATH: '/bin' });
  expect(environment.variables()).toEqual({ KUBECONFIG: '/mine', PGHOST: '127.0.0.1' });
  environment.restore();
  expect(env).toEqual(outer);
});

test('what is set already stays where it is only to be there', () => {
  const env: NodeJS.ProcessEnv = { ...outer };
  const environment = new WorkerEnvironment(env);
  environment.setAbsent({ PATH: '/mine', REDIS_URL: 'redis://127.0.0.1:1' });
  expect(env).toEqual({ ...outer, REDIS_URL: 'redis://127.0.0.1:1' });
  environment.restore();
  expect(env).toEqual(outer);
});
