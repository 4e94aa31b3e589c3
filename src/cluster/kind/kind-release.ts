import type { Release } from '../../tools/index.js';

/** The kind release that is downloaded where none is on PATH. */
export const kindRelease: Release = {
  name: 'kind',
  version: '0.33.0',
  /** SHA-256 of each binary, as the release publishes them beside it (`kind-linux-amd64.sha256sum`). */
  checksums: {
    'linux-amd64': 'aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d',
    'linux-arm64': '20022bee6cfcd5086cb7234d218e3454e6090022f2a8f55d1fa7fcf42c3867a2',
    'darwin-amd64': '5a99f26f57246dc9319dd294803313197a0f34d33c525b3ea8b655db5916ece0',
    'darwin-arm64': '0c8c7dbe5e23594a198b786c4bc13dacc101fa6196b0cb0b23a1ca44e61f4b4f',
  },
  baseUrl: 'https://github.com/kubernetes-sigs/kind/releases/download',
  variable: 'JEST_KUBERNETES_KIND_BASE_URL',
  path: (version, platform) => `v${version}/kind-${platform}`,
  install: 'https://kind.sigs.k8s.io/docs/user/quick-start/#installation',
  codes: { missing: 'KIND_MISSING', checksum: 'KIND_CHECKSUM' },
};

/** The oldest kind on PATH that is accepted: its nodes run on today's Docker and cgroup v2. */
export const oldestKind = '0.20.0';
