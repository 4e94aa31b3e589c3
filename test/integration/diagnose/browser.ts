import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** A tab of a real browser, spoken to by Chrome's own protocol. */
export class Browser implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (message: Message) => void>();
  /** What it asked the network for, and what it complained of. */
  readonly requests: string[] = [];
  readonly complaints: string[] = [];
  #count = 0;

  private constructor(process: ChildProcess, folder: string, socket: WebSocket) {
    this.#process = process;
    this.#folder = folder;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
      if (message.id !== undefined) this.#answers.get(message.id)?.(message);
      const { request, entry } = (message.params ?? {}) as {
        request?: { url: string };
        entry?: { text: string };
      };
      if (message.method === 'Network.requestWillBeSent') this.requests.push(request?.url ?? '');
      if (message.method === 'Log.entryAdded') this.complaints.push(entry?.text ?? '');
    });
  }

  /** @throws where there is no browser, and none can be had */
  static async open(): Promise<Browser> {
    const command = execFileSync('node', [join(__dirname, '../../rig/browser.mjs')], {
      encoding: 'utf8',
    }).trim();
    const folder = mkdtempSync(join(tmpdir(), 'browser-'));
    const args = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--remote-debugging-port=0',
      `--user-data-dir=${folder}`,
    ];
    const child = spawn(command, [...args, 'about:blank'], { stdio: 'ignore' });
    const ready = join(folder, 'DevToolsActivePort');
    for (let tries = 0; !existsSync(ready); tries += 1) {
      if (tries > 300) throw new Error(`${command} did not start within 30 s`);
      await pause(100);
    }
    const [port = ''] = readFileSync(ready, 'utf8').split('\n');
    const tabs = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      type: string;
      webSocketDebuggerUrl: string;
    }[];
    const socket = new WebSocket(tabs.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '');
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    const browser = new Browser(child, folder, socket);
    for (const domain of ['Page', 'Network', 'Log']) await browser.ask(`${domain}.enable`);
    return browser;
  }

  async ask(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = (this.#count += 1);
    const answered = new Promise<Message>((resolve) => this.#answers.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  async goTo(url: string): Promise<void> {
    await this.ask('Page.navigate', { url });
    while ((await this.evaluate('document.readyState')) !== 'complete') await pause(20);
  }

  /** How wide its window is, and what its user likes. */
  async look({
    width = 1280,
    scheme = 'light',
  }: { width?: number; scheme?: 'light' | 'dark' } = {}): Promise<void> {
    await this.ask('Emulation.setDeviceMetricsOverride', {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.ask('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
  }

  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.ask('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value?: unknown }).value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#socket.close();
    this.#process.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
