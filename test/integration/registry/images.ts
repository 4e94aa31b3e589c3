import { createHash, randomBytes } from 'node:crypto';
import { arch } from 'node:os';
import { gzipSync } from 'node:zlib';

export interface Blob {
  type: string;
  content: Buffer;
  digest: string;
}

/** An image as a registry keeps it: a manifest that names a configuration and one layer. */
export interface StoredImage {
  manifest: Blob;
  config: Blob;
  layer: Blob;
}

const docker = 'application/vnd.docker';

/** The platform of the images that this machine's engine pulls. */
export const ownArchitecture = arch() === 'x64' ? 'amd64' : arch();

/** An image that no engine has yet: its one layer is a file of random bytes, which no compression makes smaller. */
export function newImage({ bytes = 1000, architecture = ownArchitecture } = {}): StoredImage {
  const tar = tarOf('content', randomBytes(bytes));
  const layer = blob(`${docker}.image.rootfs.diff.tar.gzip`, gzipSync(tar));
  const config = json(`${docker}.container.image.v1+json`, {
    architecture,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
  });
  const described = ({ type, content, digest }: Blob) => ({ mediaType: type, size: content.length, digest });
  const type = `${docker}.distribution.manifest.v2+json`;
  const manifest = json(type, {
    schemaVersion: 2,
    mediaType: type,
    config: described(config),
    layers: [described(layer)],
  });
  return { manifest, config, layer };
}

function blob(type: string, content: Buffer): Blob {
  return { type, content, digest: digestOf(content) };
}

export function json(type: string, value: object): Blob {
  return blob(type, Buffer.from(JSON.stringify(value)));
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** A tar archive of one file (POSIX ustar). */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  const put = (offset: number, text: string) => header.write(text, offset, 'latin1');
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  put(0, name);
  put(100, octal(0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(content.length, 11));
  put(136, octal(0, 11));
  put(148, ' '.repeat(8)); // the checksum counts its own field as blanks
  put(156, '0');
  put(257, 'ustar\x0000');
  const sum = header.reduce((all, byte) => all + byte, 0);
  put(148, `${octal(sum, 6)} `);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}
