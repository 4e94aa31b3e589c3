import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Blob } from './images.js';

/** How a registry answers one request for a manifest or a blob, where it does not just deliver it. */
export type Fault = (request: IncomingMessage, response: ServerResponse, blob: Blob | undefined) => void;

/** An error as the distribution specification has it. */
export function refuses(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Fault {
  return (_request, response) => {
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify({ errors: [{ code, message }] }));
  };
}

export const notFound = refuses(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
export const denied = refuses(403, 'DENIED', 'requested access to the resource is denied');
/** In the words of Docker Hub. */
export const rateLimited = refuses(
  429,
  'TOOMANYREQUESTS',
  'You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit',
);
export const unavailable = refuses(503, 'UNAVAILABLE', 'service unavailable');

/** Accepts the request, and never answers. */
export const hangs: Fault = () => undefined;

/** Closes the connection with a reset instead of an answer. */
export const resets: Fault = (request) => {
  request.socket.resetAndDestroy();
};

/** Stops in the middle of a blob, with the connection open. */
export function hangsAfter(bytes: number): Fault {
  return (_request, response, blob) => {
    begin(response, blob).write(blob?.content.subarray(0, bytes));
  };
}

/** Resets the connection in the middle of a blob. */
export function resetsAfter(bytes: number): Fault {
  return (request, response, blob) => {
    begin(response, blob).write(blob?.content.subarray(0, bytes), () => request.socket.resetAndDestroy());
  };
}

/** Sends a blob in as many pieces, with a pause (milliseconds) before each. */
export function inPieces(count: number, pause: number): Fault {
  return (_request, response, blob) => {
    const content = blob?.content ?? Buffer.alloc(0);
    const size = Math.ceil(content.length / count);
    begin(response, blob);
    const next = (sent: number): void => {
      if (response.destroyed) return;
      if (sent >= content.length) response.end();
      else {
        response.write(content.subarray(sent, sent + size));
        setTimeout(next, pause, sent + size);
      }
    };
    next(0);
  };
}

function begin(response: ServerResponse, blob: Blob | undefined): ServerResponse {
  return response.writeHead(200, { 'content-length': blob?.content.length ?? 0 });
}
