import type { ErrorCode } from '../support/errors.js';

/** The release of a program that is downloaded where none is on PATH. */
export interface Release {
  /** As it is called: `kind`. */
  name: string;
  /** Such as `0.33.0`. */
  version: string;
  /** SHA-256 of what is downloaded, by platform (`linux-amd64`), as its makers publish them. */
  checksums: Readonly<Record<string, string>>;
  /** Where its releases are, unless `variable` says otherwise. */
  baseUrl: string;
  /** Of the environment: names a mirror of the releases. */
  variable: string;
  /** Below the base. @param platform - such as `linux-amd64` */
  path: (version: string, platform: string) => string;
  /** Where the program is in what is downloaded, if that is a `.tar.gz`; undefined where it is the program itself. */
  inside?: (platform: string) => string;
  /** Where a reader finds how it is installed. */
  install: string;
  codes: { missing: ErrorCode; checksum: ErrorCode };
}

const codes = { missing: 'TOOL_MISSING', checksum: 'TOOL_CHECKSUM' } as const;
const ofPath = (platform: string): string => platform.replace('-', '/');

/** Builds kustomize folders. */
export const kubectlRelease: Release = {
  name: 'kubectl',
  version: '1.34.1',
  // https://dl.k8s.io/release/v1.34.1/bin/linux/amd64/kubectl.sha256
  checksums: {
    'linux-amd64': '7721f265e18709862655affba5343e85e1980639395d5754473dafaadcaa69e3',
    'linux-arm64': '420e6110e3ba7ee5a3927b5af868d18df17aae36b720529ffa4e9e945aa95450',
    'darwin-amd64': 'bb211f2b31f2b3bc60562b44cc1e3b712a16a98e9072968ba255beb04cefcfdf',
    'darwin-arm64': 'd80e5fa36f2b14005e5bb35d3a72818acb1aea9a081af05340a000e5fbdb2f76',
  },
  baseUrl: 'https://dl.k8s.io/release',
  variable: 'JEST_KUBERNETES_KUBECTL_BASE_URL',
  path: (version, platform) => `v${version}/bin/${ofPath(platform)}/kubectl`,
  install: 'https://kubernetes.io/docs/tasks/tools/',
  codes,
};

/** Renders charts. */
export const helmRelease: Release = {
  name: 'helm',
  version: '3.19.0',
  // https://get.helm.sh/helm-v3.19.0-linux-amd64.tar.gz.sha256sum
  checksums: {
    'linux-amd64': 'a7f81ce08007091b86d8bd696eb4d86b8d0f2e1b9f6c714be62f82f96a594496',
    'linux-arm64': '440cf7add0aee27ebc93fada965523c1dc2e0ab340d4348da2215737fc0d76ad',
    'darwin-amd64': '09a108c0abda42e45af172be65c49125354bf7cd178dbe10435e94540e49c7b9',
    'darwin-arm64': '31513e1193da4eb4ae042eb5f98ef9aca7890cfa136f4707c8d4f70e2115bef6',
  },
  baseUrl: 'https://get.helm.sh',
  variable: 'JEST_KUBERNETES_HELM_BASE_URL',
  path: (version, platform) => `helm-v${version}-${platform}.tar.gz`,
  inside: (platform) => `${platform}/helm`,
  install: 'https://helm.sh/docs/intro/install/',
  codes,
};
