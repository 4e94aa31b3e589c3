import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

type Answer = (response: ServerResponse) => void;

/** The real engine, but for those pulls that it is told to answer by itself: for states that cannot be had for real. */
export interface EngineProxy extends AsyncDisposable {
  host: string;
  /** The images that it was asked to pull, in that order. */
  asked: string[];
  /** Answers the pulls of an image's name without its tag, such as `docker.io/library/postgres`. */
  answers(image: string, answer: Answer): void;
}

/** As the engine refuses a pull before it begins. */
export function refuses(status: number, message: string): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
  };
}

/** As the engine tells of a failure when a pull has begun. */
export function failsWith(message: string): Answer {
  return (response) => {
    begin(response).end(`${JSON.stringify({ errorDetail: { message }, error: message })}\n`);
  };
}

/** As an engine that ends in the middle of a pull. */
export const dies: Answer = (response) => {
  begin(response).write('', () => response.destroy());
};

/** As an engine that waits for a registry. */
export const waits: Answer = () => undefined;

function begin(response: ServerResponse): ServerResponse {
  const lines = [
    { status: 'Pulling from library/app', id: 'test' },
    { status: 'Downloading', progressDetail: { current: 1_000_000, total: 4_000_000 }, id: '4fb2b11e7402' },
  ];
  response.writeHead(200, { 'content-type': 'application/json' });
  for (const line of lines) response.write(`${JSON.stringify(line)}\r\n`);
  return response;
}

/** @param name - of its socket's folder */
export async function engineProxy(name = 'engine'): Promise<EngineProxy> {
  const format = '{{.Endpoints.docker.Host}}';
  const address = execFileSync('docker', ['context', 'inspect', '--format', format], { encoding: 'utf8' });
  const { pathname: socketPath } = new URL(address.trim());
  const folder = mkdtempSync(path.join(tmpdir(), `${name}-`));
  const socket = path.join(folder, 'docker.sock');
  const answers = new Map<string, Answer>();
  const asked: string[] = [];

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://engine');
    if (request.method === 'POST' && pathname.endsWith('/images/create')) {
      const image = searchParams.get('fromImage') ?? '';
      asked.push(image);
      const answer = answers.get(image);
      if (answer !== undefined) {
        answer(response);
        return;
      }
    }
    const { method, headers, url } = request;
    const forwarded = http.request({ socketPath, method, headers, path: url }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    host: `unix://${socket}`,
    asked,
    answers(image, answer) {
      answers.set(image, answer);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}
