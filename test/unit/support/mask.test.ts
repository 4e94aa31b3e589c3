import { masker, secretsOf } from '../../../src/support/mask.js';

const secret = 's3cr3t/Pass@word+1';

describe('a secret is masked', () => {
  const mask = masker();

  test.each([
    ['in a database URL', `postgres://shop:${secret}@db:5432/shop`],
    ['in a URL without a user', `redis://:${secret}@cache:6379`],
    ['in the environment', `PGPASSWORD=${secret}`],
    ['in an environment variable of its own name', `SHOP_API_KEY='${secret}'`],
    ['in a log line', `connecting with password: ${secret}, timeout 3 s`],
    ['in JSON', `{"password":"${secret}","user":"shop"}`],
    ['on a command line', `pg_dump --password ${secret} shop`],
    ['in an Authorization header', `Authorization: Bearer ${secret.replaceAll('@', '-')}`],
    ['in a manifest', `- name: POSTGRES_PASSWORD\n  value: ${secret}\n`],
    ['in an API object', `{"name": "POSTGRES_PASSWORD",\n "value": "${secret}"}`],
    [
      'in an annotation that holds an object',
      `{\\"name\\":\\"POSTGRES_PASSWORD\\",\\"value\\":\\"${secret}\\"}`,
    ],
    ['in what a login of Docker is kept in', `DOCKER_AUTH_CONFIG=${secret}`],
    ['in a kubeconfig that a CI has as a variable', `KUBE_CONFIG_DATA=${secret}`],
    ['in one that is encoded', `KUBECONFIG_BASE64: ${secret}`],
    ['in a personal access token', `GITLAB_PAT=${secret}`],
    ['in a key to sign with', `SIGNING_KEY="${secret}"`],
    ['in a build argument', `docker build --build-arg NPM_TOKEN=${secret} .`],
    ['in a kubeconfig', `    client-key-data: ${Buffer.from(secret.repeat(4)).toString('base64')}`],
    ['in a key file', `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n-----END RSA PRIVATE KEY-----`],
    [
      'in a key file of PGP',
      `-----BEGIN PGP PRIVATE KEY BLOCK-----\n${secret}\n-----END PGP PRIVATE KEY BLOCK-----`,
    ],
    ['in a list of arguments', `args:\n  - --password\n  - ${secret}\n  - serve`],
    ['in one as JSON', `["serve","--api-key","${secret}"]`],
    ['in one as JSON within a string', `{\\"args\\":[\\"--api-key\\",\\"${secret}\\"]}`],
    ['in one as Node.js shows it', `[ 'serve', '--db-password', '${secret}' ]`],
    ['in lines of a manifest', `data:\n  db-password: |\n    s3cr3t\n    word+1\n`],
    ['in an environment of lines', `- name: DB_PASSWORD\n  value: |-\n    s3cr3t\n    word+1\n`],
    ['in an Authorization header of whatever scheme', `authorization: Token ${secret}`],
    ['in one without any', `"Authorization": "${secret}",`],
    ['in one of a proxy', `Proxy-Authorization: Digest username="a", response="${secret}"`],
    ['in the header of a key', `X-Api-Key: ${secret}`],
    ['in a cookie', `Set-Cookie: session=${secret}; Path=/`],
    ['in a variable that is short of a word', `DB_PASS=${secret} MYSQL_PWD=${secret}`],
    ['in a connection string', `Server=db;Uid=sa;Pwd=${secret};AccountKey=${secret}==`],
    ['in a key of sessions', `SESSION_KEY: ${secret}`],
    ['in a signed URL', `https://store/x?X-Amz-Signature=s3cr3t0123&sig=s3cr3t0123&a=1`],
    ['in a web hook', `POST https://hooks.slack.com/services/T00/B00/s3cr3t0123`],
    ['in a hash of a password', `admin:$apr1$salt$s3cr3tword0123`],
    ['in what curl is told', `curl -sS -u admin:${secret} http://web`],
    ['alone before a host', `https://s3cr3t0123456789@github.com/shop/api.git`],
    ['in a token of five parts', `eyJhbGciOiJkaXIifQ..s3cr3t.s3cr3t0123.s3cr3t`],
  ])('%s', (_place, text) => {
    const masked = mask(text);
    expect(masked).toContain('***');
    expect(masked).not.toContain('s3cr3t');
    expect(masked).not.toContain('word+1');
  });

  test.each([
    ['GitHub', `ghp_${'a1B2'.repeat(9)}`],
    ['GitHub, fine-grained', `github_pat_11ABCDEFG0abcdefghijkl_${'x9Y8'.repeat(10)}`],
    ['AWS', 'AKIAIOSFODNN7EXAMPLE'],
    ['GitLab', 'glpat-abcdefghij0123456789'],
    ['npm', `npm_${'a1B2'.repeat(9)}`],
    ['Slack', 'xoxb-123456789012-abcdefABCDEF'],
    ['a key, in one of its lines', 'MIIEvQIBADANBgkqhkiG9w0BAQ/FAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj'],
    ['nobody knows whom: a word that no one has chosen', 'wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEYq9'],
  ])('by its own shape, whatever it is called: of %s', (_, token) => {
    expect(mask(`the owl said ${token} twice`)).toBe('the owl said *** twice');
  });

  test.each([
    ['JSON', '{"auths":{"ghcr.io":{"auth":"c2hvcDpodW50ZXIy"}}}'],
    ['YAML', 'auths:\n  ghcr.io:\n    auth: c2hvcDpodW50ZXIy\n'],
    ['JSON within a string', '{\\"ghcr.io\\":{\\"auth\\":\\"c2hvcDpodW50ZXIy\\"}}'],
  ])('in what a login of Docker is kept in, as %s', (_, text) => {
    expect(mask(text)).toBe(text.replace('c2hvcDpodW50ZXIy', '***'));
  });

  test('that is a word as others are, where it is a value, and nowhere else', () => {
    const masked = masker(['test', 'postgres']);
    expect(masked('a test of postgres:17 failed, POSTGRES_PASSWORD=postgres')).toBe(
      'a test of postgres:17 failed, POSTGRES_PASSWORD=***',
    );
  });

  test.each([
    ['as it is', secret],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in a URL', encodeURIComponent(secret)],
    ['in JSON', JSON.stringify(`${secret}"`)],
  ])('wherever it stands, when it is known: %s', (_spelling, spelt) => {
    const masked = masker([secret, `${secret}"`])(`the owl said ${spelt} twice`);
    expect(masked).toMatch(/^the owl said "?\*\*\*"? twice$/);
  });

  test('whole, where a shorter secret is part of it', () => {
    expect(masker(['owl-post', 'owl-post-1742'])('x owl-post-1742 y')).toBe('x *** y');
  });
});

test.each([
  'a.',
  'http://a',
  'http://a:b',
  'eyJeyJeyJ-',
  'password="',
  'password=\\"',
  'name: ',
  '-password',
  'curl -u ',
  '"auth": "',
])('a log that is one line of %s is masked without delay', (piece) => {
  const start = performance.now();
  masker(['owl-post-1742'])(piece.repeat(400_000 / piece.length));
  expect(performance.now() - start).toBeLessThan(4_000);
});

test.each([
  'Failed to pull image "registry.local:5000/shop/api:1": not found',
  'GET https://registry-1.docker.io:443/v2/library/postgres/manifests/17-alpine',
  'MountVolume.SetUp failed for volume "keys" : secret "shop-keys" not found',
  'secretName: shop-keys',
  'automountServiceAccountToken: false',
  'PATH=/usr/bin:/bin',
  'postgres.password: it is a number, but allowed is a string',
  'kindest/node:v1.37.2@sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9',
  'pod shop/api-7d9c5b8f6d-x2k4q of 6eefa67e-1fa5-9f83-f914-23b05a2f09e5',
  'at TestScheduler.scheduleTestsAndCollectTheirResults (TestScheduler.js:333:13)',
  'PersistentVolumeClaimNotFoundInNamespaceOfThePod',
  'KUBECONFIG=/home/me/.local/state/jest-kubernetes/clusters/shop/kubeconfig',
  'postgres://shop@127.0.0.1:5432/shop',
  'PWD=/work/shop OLDPWD=/work',
  'apiVersion: rbac.authorization.k8s.io/v1',
  '--authorization-mode=Node,RBAC',
  '--tls-private-key-file=/etc/kubernetes/pki/apiserver.key',
  '["--token-file","/var/run/token","--v=2"]',
  'auth: required',
  'docker run -u 1000:1000 web',
  'bypass: true, 3 pass, 1 failed',
  'https://web.shop.svc:8080/a@b',
])('what is no secret is left as it is: %s', (line) => {
  expect(masker()(line)).toBe(line);
});

test("a Secret object's values are secrets, its user and database names are not", () => {
  const data = {
    POSTGRES_PASSWORD: 'aHVudGVyMg==',
    POSTGRES_USER: 'c2hvcA==',
    POSTGRES_DB: 'c2hvcA==',
    url: 'eA==',
  };
  expect(secretsOf({ data })).toEqual(['hunter2', 'x']);
});

test.each([
  [
    'of a login of Docker',
    { '.dockerconfigjson': '{"auths":{"r":{"password":"owl-post","auth":"c2hvcDpvd2wtcG9zdA=="}}}' },
  ],
  ['of a file of variables', { '.env': 'PORT=8080\nDB_KEY="owl-post"\n' }],
  ['of a file in YAML', { 'app.yaml': 'db:\n  key: owl-post # of the db\n' }],
  ['of a URL', { url: 'postgres://shop:owl-post@db:5432/shop' }],
])('what is secret within a value is known too: %s', (_, values) => {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  const mask = masker(secretsOf({ data }));
  expect(mask('shop at 8080 said owl-post twice')).toBe('shop at 8080 said *** twice');
});
