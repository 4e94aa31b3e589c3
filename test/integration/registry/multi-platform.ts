import { type Blob, json, newImage, ownArchitecture, type StoredImage } from './images.js';

/** A manifest, and what of it the registry does not have yet. */
export type Pushable = Pick<StoredImage, 'manifest'> & Partial<StoredImage>;

/**
 * Pushes an index, as `docker buildx build` makes them: an image of this machine's platform, one of another, and an
 * attestation of the first.
 *
 * @param registry - its host, which speaks HTTP
 * @returns the index's digest
 */
export async function pushIndex(
  registry: string,
  repository: string,
  tag: string,
  own: Pushable,
): Promise<string> {
  const base = `http://${registry}/v2/${repository}`;

  async function ask(url: URL | string, init: RequestInit): Promise<Response> {
    const response = await fetch(url, init);
    if (!response.ok) throw new Error(`${String(url)}: ${response.status} ${await response.text()}`);
    return response;
  }

  async function pushBlob({ content, digest }: Blob): Promise<void> {
    const { headers } = await ask(`${base}/blobs/uploads/`, { method: 'POST' });
    const place = new URL(headers.get('location') ?? '', base);
    place.searchParams.set('digest', digest);
    await ask(place, { method: 'PUT', body: new Uint8Array(content) });
  }

  async function pushManifest({ type, content, digest }: Blob, name = digest): Promise<void> {
    const headers = { 'content-type': type };
    await ask(`${base}/manifests/${name}`, { method: 'PUT', headers, body: new Uint8Array(content) });
  }

  async function push({ manifest, config, layer }: Pushable, os: string, architecture: string) {
    for (const blob of [config, layer]) if (blob !== undefined) await pushBlob(blob);
    await pushManifest(manifest);
    const { type, content, digest } = manifest;
    return { mediaType: type, size: content.length, digest, platform: { os, architecture } };
  }

  const type = 'application/vnd.oci.image.index.v1+json';
  const attestation = {
    'vnd.docker.reference.digest': own.manifest.digest,
    'vnd.docker.reference.type': 'attestation-manifest',
  };
  const index = json(type, {
    schemaVersion: 2,
    mediaType: type,
    manifests: [
      await push(own, 'linux', ownArchitecture),
      await push(newImage({ architecture: 's390x' }), 'linux', 's390x'),
      {
        ...(await push(newImage({ architecture: 'unknown' }), 'unknown', 'unknown')),
        annotations: attestation,
      },
    ],
  });
  await pushManifest(index, tag);
  return index.digest;
}

/** The manifest of an image that a registry, which speaks HTTP, has. @throws where it has none */
export async function storedManifest(registry: string, repository: string, tag: string): Promise<Blob> {
  const accept = 'application/vnd.docker.distribution.manifest.v2+json';
  const answer = await fetch(`http://${registry}/v2/${repository}/manifests/${tag}`, { headers: { accept } });
  if (!answer.ok) throw new Error(`${registry} has no ${repository}:${tag}: ${answer.status}`);
  return {
    type: accept,
    content: Buffer.from(await answer.arrayBuffer()),
    digest: answer.headers.get('docker-content-digest') ?? '',
  };
}
