import { type Condition, hasEndpoints, jsonPath } from '../../../src/testing/conditions.js';

const pod = {
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'web', labels: { 'app.kubernetes.io/name': 'web' } },
  spec: { containers: [{ name: 'a' }] },
  status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
};
const judged = (condition: Condition, beside: readonly object[] = []) =>
  condition.judge({
    located: { kind: 'Pod', name: 'web' } as never,
    ...{ objects: [pod], beside: beside as never },
  });

describe('jsonPath', () => {
  test.each([
    ['{.status.phase}', 'Running'],
    ['status.phase', /^Run/],
    ['{$.status.phase}', 'Running'],
    ['{.status.conditions[?(@.type=="Ready")].status}', 'True'],
    // as kubectl has it
    ['{.metadata.labels.app\\.kubernetes\\.io/name}', 'web'],
    ["{.metadata.labels['app\\.kubernetes\\.io/name']}", 'web'],
    ["{.metadata.labels['app.kubernetes.io/name']}", 'web'],
  ])('%s is found', (path, value) => {
    expect(judged(jsonPath(path, value))).toEqual({ is: 'met' });
  });

  test.each([
    ['{.status.phas}', '{.status.phas} is not there; .status has phase, podIP, conditions'],
    [
      '{.statu.phase}',
      '{.statu.phase} is not there; the object has apiVersion, kind, metadata, spec, status',
    ],
    ['{.status.phase.name}', '{.status.phase.name} is not there; .status.phase is "Running"'],
    [
      '{.status.conditions[?(@.type=="Gone")].status}',
      '{.status.conditions[?(@.type=="Gone")].status} is not there',
    ],
    // of some items a filter may not find what it asks for yet
    ['{.spec.containers[?(@.state.ready==true)]}', '{.spec.containers[?(@.state.ready==true)]} is not there'],
  ])('%s is waited for, and what is there instead is told', (path, lacks) => {
    expect(judged(jsonPath(path))).toEqual({ is: 'not yet', lacks });
  });

  test.each([
    '{.status.phase',
    '{.status.conditions[0}',
    '{.status.conditions[?(@.type=="Ready"]}',
    '{.status.phase}{.status.podIP}',
    '{range .spec.containers[*]}{.name}{end}',
    '',
  ])('‘%s’ is no path, and is not waited for', (path) => {
    expect(() => jsonPath(path)).toThrow(
      expect.objectContaining({
        ...{ code: 'TARGET_INVALID', message: expect.stringContaining(path) as string },
      }) as Error,
    );
  });

  test('nor is a filter that cannot be read', () => {
    expect(judged(jsonPath('{.status.conditions[?(@.type===)]}'))).toMatchObject({
      is: 'never',
      why: expect.stringContaining('no JSONPath') as string,
    });
  });
});

test.each([
  [{ ready: true }, 'met'],
  // what is not known is ready, as the API has it
  [{}, 'met'],
  [undefined, 'met'],
  [{ ready: false }, 'not yet'],
])('an endpoint whose conditions are %j has a Service that is %s', (conditions, is) => {
  const slice = {
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    endpoints: [{ conditions }],
  };
  expect(judged(hasEndpoints, [slice])).toMatchObject({ is });
});
