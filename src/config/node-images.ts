/*
 * Which node image a Kubernetes version is. kind publishes a few with each of its releases, built for that release:
 * its notes are the source, and say that only the digest guarantees the build.
 */

/** https://github.com/kubernetes-sigs/kind/releases/tag/v0.33.0, "Images pre-built for this release"; newest first. */
export const nodeImages = {
  /** The kind release whose images these are; its own default is the first. */
  kindRelease: '0.33.0',
  repository: 'kindest/node',
  releases: [
    {
      version: '1.37.0',
      digest: 'sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5',
    },
    {
      version: '1.36.4',
      digest: 'sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed',
    },
    {
      version: '1.35.8',
      digest: 'sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0',
    },
    {
      version: '1.34.11',
      digest: 'sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d',
    },
  ],
} as const;

/** The oldest Kubernetes that is supported; younger ones are, whether they are in the table or not. */
const oldest = { major: 1, minor: 33 };

const supported = `Kubernetes ${oldest.major}.${oldest.minor} or later: older ones are not supported`;

interface Version {
  major: number;
  minor: number;
  /** Undefined where the minor alone is named. */
  patch: number | undefined;
}

/** `1.36`, or exactly `1.36.4`; a leading `v` is none of it. */
function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch] = /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?$/.exec(text) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: patch === undefined ? undefined : Number(patch),
  };
}

const isTooOld = ({ major, minor }: Version): boolean =>
  major < oldest.major || (major === oldest.major && minor < oldest.minor);

const nameOf = ({ major, minor, patch }: Version): string =>
  [major, minor, ...(patch === undefined ? [] : [patch])].join('.');

const minorOf = (version: string): string => version.replace(/\.\d+$/, '');

/** The row of the table that a version means. */
function releaseOf(version: Version): (typeof nodeImages.releases)[number] | undefined {
  const name = nameOf(version);
  return nodeImages.releases.find((each) => name === each.version || name === minorOf(each.version));
}

/** What would be allowed in the place of a version; undefined where it is itself. */
export function versionProblem(text: string): string | undefined {
  const version = parseVersion(text);
  if (version === undefined) return "a Kubernetes version such as '1.36', or exactly '1.36.4'";
  if (isTooOld(version)) return supported;
  if (version.patch !== undefined || releaseOf(version) !== undefined) return undefined;
  const minors = nodeImages.releases.map((each) => minorOf(each.version)).join(', ');
  return `one of ${minors}, or an exact version such as '${nodeImages.releases[0].version}'`;
}

/** As `versionProblem`, for a node image: of kind's own the tag tells the version, of others it need not. */
export function nodeImageProblem(reference: string): string | undefined {
  const [, tag = ''] = /(?:^|\/)kindest\/node:v?([\d.]+)/.exec(reference) ?? [];
  const version = parseVersion(tag);
  return version !== undefined && isTooOld(version) ? `a node image of ${supported}` : undefined;
}

/**
 * The node image for a version.
 * @param version - one that `versionProblem` has nothing to say of; undefined is the kind release's own
 * @param mirror - a repository of one's own in place of `kindest/node`. Its images are named by tag: one that was built
 * anew has another digest
 * @returns undefined where the choice is left to kind
 */
export function nodeImage(version: string | undefined, mirror: string | undefined): string | undefined {
  if (version === undefined) {
    return mirror === undefined ? undefined : `${mirror}:v${nodeImages.releases[0].version}`;
  }
  const named = parseVersion(version);
  const release = named === undefined ? undefined : releaseOf(named);
  const tag = `v${release?.version ?? version.replace(/^v/, '')}`;
  if (mirror !== undefined) return `${mirror}:${tag}`;
  return `${nodeImages.repository}:${tag}${release === undefined ? '' : `@${release.digest}`}`;
}

/** The node image that the kind release of the table takes by itself. */
export const pinnedNodeImage = (): string | undefined => nodeImage(nodeImages.releases[0].version, undefined);
