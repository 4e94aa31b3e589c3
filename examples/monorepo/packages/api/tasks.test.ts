import { resetDatabase } from 'jest-kubernetes';
import { Pool } from 'pg';
import { Tasks } from './src/tasks';

const pool = new Pool();
pool.on('error', () => undefined); // an idle connection is closed where resetDatabase() undoes a changed schema
const tasks = new Tasks(pool);

beforeEach(() => resetDatabase());
afterAll(() => pool.end());

test('a task is open until it is finished', async () => {
  await tasks.finish(await tasks.add('write a test'));
  await tasks.add('see it fail');
  expect(await tasks.open()).toStrictEqual([{ id: 2, title: 'see it fail', done: false }]);
});

test('the first task has the first number', async () => {
  expect(await tasks.add('write a test')).toBe(1);
});
