import type { IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';

const redirections = [301, 302, 303, 307, 308];
const redirectionLimit = 10;

/** The variables that name a proxy, as curl and Node.js read them, the lower-case one first. */
const proxyVariables = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const;

/** Those of them that are set. */
export function proxiesNamed(env: NodeJS.ProcessEnv): string[] {
  return proxyVariables.filter((variable) => env[variable]);
}

/**
 * GETs a URL by way of the proxy that the environment names for it, which `fetch` takes only in a process that was
 * started with NODE_USE_ENV_PROXY=1. Redirections are followed.
 * @returns the answer, whatever its status is
 */
export async function get(
  url: string,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<IncomingMessage> {
  let asked = url;
  for (let redirected = 0; ; redirected += 1) {
    const response = await once(asked, env, signal);
    const { location } = response.headers;
    if (location === undefined || !redirections.includes(response.statusCode ?? 0)) return response;
    response.destroy();
    if (redirected === redirectionLimit) throw new Error(`${url} was redirected ${redirectionLimit} times`);
    asked = new URL(location, asked).href;
  }
}

function once(url: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<IncomingMessage> {
  // an option of Node.js 22.21 that its types of then do not know
  const options = { proxyEnv: env } as https.AgentOptions;
  const { protocol } = new URL(url);
  const { request, agent } =
    protocol === 'https:'
      ? { request: https.get, agent: new https.Agent(options) }
      : { request: http.get, agent: new http.Agent(options) };
  return new Promise((resolve, reject) => {
    request(url, { agent, signal }, resolve).on('error', reject);
  });
}
