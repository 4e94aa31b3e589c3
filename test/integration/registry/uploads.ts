import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Blob } from './images.js';

const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

/** What was pushed to a registry: the part of the distribution specification that engines push by. */
export class Uploads {
  readonly #blobs = new Map<string, Blob>();
  /** By repository and tag, or digest. */
  readonly #manifests = new Map<string, Blob>();
  readonly #open = new Map<string, Buffer[]>();

  /** A manifest that was pushed, by `repository:tag`. */
  manifest(name: string): Blob | undefined {
    return this.#manifests.get(name);
  }

  blob(digest: string): Blob | undefined {
    return this.#blobs.get(digest);
  }

  async take(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const content = Buffer.concat(chunks);
    const [, repository = '', part = '', name = ''] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads)\/([^/]*)$/.exec(url.pathname) ?? [];
    const answer = (status: number, location: string, digest?: string): void => {
      const headers = { location, 'content-length': 0, ...(digest && { 'docker-content-digest': digest }) };
      response.writeHead(status, headers).end();
    };
    if (part === 'manifests') {
      const digest = digestOf(content);
      const manifest = { type: request.headers['content-type'] ?? '', content, digest };
      for (const key of [`${repository}:${name}`, `${repository}:${digest}`])
        this.#manifests.set(key, manifest);
      answer(201, url.pathname, digest);
      return;
    }
    const id = name || randomBytes(8).toString('hex');
    const received = [...(this.#open.get(id) ?? []), content];
    this.#open.set(id, received);
    const digest = url.searchParams.get('digest');
    if (request.method !== 'PUT' || digest === null) {
      const size = Buffer.concat(received).length;
      response.setHeader('range', `0-${Math.max(0, size - 1)}`);
      answer(202, `/v2/${repository}/blobs/uploads/${id}`);
      return;
    }
    this.#open.delete(id);
    this.#blobs.set(digest, { type: 'application/octet-stream', content: Buffer.concat(received), digest });
    answer(201, `/v2/${repository}/blobs/${digest}`, digest);
  }
}
