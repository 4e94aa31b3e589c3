import { listenersIn } from '../../../src/diagnose/host.js';

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

test('a listener is found in /proc/net/tcp by its port, with its address, user and inode', () => {
  const table = `${head}   0: 0100007F:1539 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 21574 1 0 100 0\n`;
  expect(listenersIn(table, 5433)).toEqual([{ address: '127.0.0.1', uid: 1000, inode: '21574' }]);
  expect(listenersIn(table, 5432)).toEqual([]);
});

test('a connection is no listener', () => {
  const table = `${head}   0: 0100007F:1539 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 21574 1 0 100 0\n`;
  expect(listenersIn(table, 5433)).toEqual([]);
});

test('one of /proc/net/tcp6 listens on every address', () => {
  const table = `${head}   0: 00000000000000000000000000000000:1539 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0 100 0\n`;
  expect(listenersIn(table, 5433)).toEqual([{ address: '::', uid: 0, inode: '99' }]);
});
