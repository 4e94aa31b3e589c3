import { JestKubernetesError } from '../../../src/support/errors.js';
import { atMirror, parseReference } from '../../../src/support/image-reference.js';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const hub = 'docker.io';

describe('an image reference is read as Docker reads it', () => {
  test.each([
    ['postgres', hub, 'library/postgres', 'latest', 'docker.io/library/postgres:latest'],
    ['postgres:17-alpine', hub, 'library/postgres', '17-alpine', 'docker.io/library/postgres:17-alpine'],
    ['bitnami/redis', hub, 'bitnami/redis', 'latest', 'docker.io/bitnami/redis:latest'],
    ['docker.io/postgres:17', hub, 'library/postgres', '17', 'docker.io/library/postgres:17'],
    ['index.docker.io/library/a:1', hub, 'library/a', '1', 'docker.io/library/a:1'],
    ['localhost/api', 'localhost', 'api', 'latest', 'localhost/api:latest'],
    ['localhost:5000/api:1', 'localhost:5000', 'api', '1', 'localhost:5000/api:1'],
    ['127.0.0.1:5000/a/b-c__d.e:V1', '127.0.0.1:5000', 'a/b-c__d.e', 'V1', '127.0.0.1:5000/a/b-c__d.e:V1'],
    ['[::1]:5000/api:1', '[::1]:5000', 'api', '1', '[::1]:5000/api:1'],
    ['ghcr.io/org/team/app:1.2_3', 'ghcr.io', 'org/team/app', '1.2_3', 'ghcr.io/org/team/app:1.2_3'],
    // a host is known by a dot, a colon or a capital letter, which no path has
    ['Registry/app:1', 'Registry', 'app', '1', 'Registry/app:1'],
    ['team/app:5000', hub, 'team/app', '5000', 'docker.io/team/app:5000'],
  ])('%s', (text, registry, repository, tag, name) => {
    expect(parseReference(text)).toEqual({ registry, repository, tag, digest: undefined, name });
  });

  test('with a digest alone there is no tag', () => {
    expect(parseReference(`ghcr.io/a/b@${digest}`)).toEqual({
      registry: 'ghcr.io',
      repository: 'a/b',
      tag: undefined,
      digest,
      name: `ghcr.io/a/b@${digest}`,
    });
  });

  test('beside a digest a tag says nothing: the kubelet drops it from the name, and so do we', () => {
    expect(parseReference(`postgres:17@${digest}`)).toMatchObject({
      tag: '17',
      name: `docker.io/library/postgres@${digest}`,
    });
  });
});

describe('what is no reference is refused with the part that is wrong', () => {
  test.each([
    ['', 'the name is missing'],
    [':17', 'the name is missing'],
    ['ghcr.io/', 'the name is missing'],
    ['Postgres:17', 'the name “Postgres” must be in lower case'],
    ['ghcr.io/Team/app', 'the name “Team/app” must be in lower case'],
    ['post gres', '“post gres” is no name: lower-case letters, digits, and . _ - / between them'],
    ['a//b', '“a//b” is no name: lower-case letters, digits, and . _ - / between them'],
    ['-app', '“-app” is no name: lower-case letters, digits, and . _ - / between them'],
    ['postgres:', '“” is no tag: up to 128 letters, digits, and . _ -'],
    ['postgres:17:1', '“17:1” is no tag: up to 128 letters, digits, and . _ -'],
    [`a:${'x'.repeat(129)}`, `“${'x'.repeat(129)}” is no tag: up to 128 letters, digits, and . _ -`],
    ['https://ghcr.io/a', "“https:” is no registry's host"],
    ['ghcr.io:port/a', "“ghcr.io:port” is no registry's host"],
    ['postgres@17', 'after @ stands a digest such as sha256:<64 hexadecimal digits>'],
    ['postgres@sha256:abc', 'after @ stands a digest such as sha256:<64 hexadecimal digits>'],
    [`a@${digest}@${digest}`, 'after @ stands a digest such as sha256:<64 hexadecimal digits>'],
    ['0123456789abcdef'.repeat(4), 'an image id cannot be pulled; name the image'],
  ])('%s', (text, why) => {
    const refused = catching(() => parseReference(text));
    expect(refused).toMatchObject({ code: 'CONFIG_INVALID', evidence: [why] });
    expect(refused.message).toBe(`“${text}” is not an image reference`);
  });
});

describe('at a mirror of Docker Hub', () => {
  test.each([
    ['postgres:17', 'mirror.gcr.io', 'mirror.gcr.io/library/postgres:17'],
    ['postgres:17', 'public.ecr.aws/docker', 'public.ecr.aws/docker/library/postgres:17'],
    ['redis', 'mirror.example:5000/a/b/', 'mirror.example:5000/a/b/library/redis:latest'],
    [`postgres@${digest}`, 'mirror.gcr.io', `mirror.gcr.io/library/postgres@${digest}`],
  ])('%s at %s is %s', (text, mirror, name) => {
    const mirrored = atMirror(parseReference(text), mirror);
    expect(mirrored?.name).toBe(name);
    expect(parseReference(name)).toEqual(mirrored);
  });

  test.each(['ghcr.io/a/b:1', 'ghcr.io/library/postgres:17', 'acme/private-app:2'])(
    '%s is not looked for: it is none of its official images',
    (text) => {
      expect(atMirror(parseReference(text), 'mirror.gcr.io')).toBeUndefined();
    },
  );
});

function catching(work: () => unknown): JestKubernetesError {
  try {
    work();
  } catch (error) {
    if (error instanceof JestKubernetesError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
