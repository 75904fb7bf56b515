/**
 * What an echo container answers, as text: who it is and whom it saw. Pure. The paths and UDP commands are those of the
 * Kubernetes project's usual test image (agnhost netexec), so that its clients work.
 */
import { formatHostPort } from '../net/index.ts';

/** Who answers. */
export interface EchoIdentity {
  readonly pod: string;
  readonly namespace: string;
  readonly node: string;
  readonly hostname: string;
  readonly podIPs: readonly string[];
}

/** Whom it saw. The address as text, IPv4-mapped ones as IPv4. */
export interface EchoClient {
  readonly address: string;
  readonly port: number;
}

export interface EchoRequest {
  readonly method: string;
  /** Path with query. */
  readonly target: string;
  readonly accept: string;
  readonly host: string;
  readonly client: EchoClient;
  readonly localPort: number;
}

export interface EchoReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `pod web-0 node node-1 client 10.0.9.5`: the one line that every protocol answers with. */
export function identityLine(identity: EchoIdentity, client: EchoClient): string {
  return `pod ${identity.pod} node ${identity.node} client ${client.address}\n`;
}

/** The answer to an HTTP request. Unknown paths tell who answered; `Accept: application/json` asks for JSON. */
export function answerHttp(identity: EchoIdentity, request: EchoRequest): EchoReply {
  // Joined, not resolved: a path of two slashes would be taken for a host, and one without a name is no URL at all.
  const url = new URL(`http://echo${request.target.startsWith('/') ? request.target : '/'}`);
  const query = url.searchParams;
  switch (url.pathname.toLowerCase()) {
    case '/hostname':
      return text(identity.hostname);
    case '/clientip':
      return text(formatClient(request.client));
    case '/echo':
      return { ...text(query.get('msg') ?? ''), status: statusOf(query.get('code')) };
    case '/healthz':
    case '/readyz':
      return text('ok');
    case '/redirect':
      return {
        ...text(''),
        status: statusOf(query.get('code'), 302),
        headers: { location: headerValue(query.get('location') ?? '/') },
      };
    default:
      return wantsJson(request.accept)
        ? { status: 200, contentType: 'application/json', body: `${JSON.stringify(describe(identity, request))}\n` }
        : text(identityLine(identity, request.client));
  }
}

/** The answer to one datagram: `hostname`, `clientip`, `echo TEXT`; anything else tells who answered. */
export function answerDatagram(identity: EchoIdentity, message: string, client: EchoClient): string {
  const trimmed = message.trim();
  const [word = ''] = trimmed.split(/\s+/, 1);
  switch (word.toLowerCase()) {
    case 'hostname':
      return identity.hostname;
    case 'clientip':
      return formatClient(client);
    case 'echo':
      return trimmed.slice(word.length).trimStart();
    default:
      return identityLine(identity, client);
  }
}

const methods = ['GET ', 'HEAD ', 'POST ', 'PUT ', 'DELETE ', 'OPTIONS ', 'PATCH ', 'TRACE ', 'CONNECT '];

/** Whether a stream that starts with this text is HTTP; `maybe` when more bytes are needed to tell. */
export function looksLikeHttp(start: string): 'yes' | 'no' | 'maybe' {
  if (methods.some((method) => start.startsWith(method))) return 'yes';
  return methods.some((method) => method.startsWith(start)) ? 'maybe' : 'no';
}

/** `::ffff:10.0.0.1` as `10.0.0.1`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

function formatClient(client: EchoClient): string {
  return formatHostPort(client.address, client.port);
}

function describe(identity: EchoIdentity, request: EchoRequest): Record<string, unknown> {
  return {
    ...identity,
    client: request.client.address,
    clientPort: request.client.port,
    port: request.localPort,
    method: request.method,
    path: request.target,
    host: request.host,
  };
}

function text(body: string): EchoReply {
  return { status: 200, contentType: 'text/plain; charset=utf-8', body };
}

function statusOf(code: string | null, fallback = 200): number {
  const number = Number(code ?? fallback);
  return Number.isInteger(number) && number >= 200 && number <= 599 ? number : 400;
}

/** What a header cannot hold (RFC 9110 §5.5) in percent-encoding, as it would stand in a URL. */
function headerValue(text: string): string {
  return text.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

function wantsJson(accept: string): boolean {
  return accept.includes('application/json');
}
