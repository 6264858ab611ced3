/** HTTP: reads a request, plays the faults, answers in JSON. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, forbiddenField, invalid, methodNotAllowed, noSuchPath } from './api-error.ts';
import { aggregated, group, groupList, openApi, openApiIndex, resourceList, VERSION } from './discovery.ts';
import { faultError, type FaultAction, type Faults } from './faults.ts';
import { handle, present, type Answer } from './handle.ts';
import { textOf, type JsonObject } from './json.ts';
import { protobufToJson } from './protobuf.ts';
import type { RequestLog } from './request-log.ts';
import { targetOf, verbOf, type Target } from './route.ts';
import { Watch, type Watches } from './watch.ts';
import type { World } from './world.ts';

export interface Front {
  readonly world: World;
  readonly faults: Faults;
  readonly requests: RequestLog;
  readonly watches: Watches;
  readonly bookmarkEveryMs: number;
  readonly watchList: boolean;
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return protobufToJson(body) ?? body.toString('utf8');
};

/** Discovery, version and health: anything that is not about objects. */
const meta = (world: World, method: string, path: string, accept: string): Answer | string | undefined => {
  if (path === '/readyz' || path === '/livez' || path === '/healthz') return 'ok';
  const parts = path.split('/').filter((each) => each !== '');
  const found = (body: JsonObject | undefined): Answer | undefined => (body === undefined ? undefined : { code: 200, body, warnings: [] });
  if (method === 'POST' && path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') {
    return {
      code: 201,
      body: { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec: {}, status: { allowed: true } },
      warnings: [],
    };
  }
  if (method !== 'GET') return undefined;
  const version = /g=apidiscovery\.k8s\.io;v=(v2beta1|v2)/.exec(accept)?.[1];
  const registry = world.registry;
  if (path === '/version') return found(VERSION);
  if (path === '/api')
    return found(
      version === undefined
        ? { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
        : aggregated(registry, true, version),
    );
  if (path === '/apis') return found(version === undefined ? groupList(registry) : aggregated(registry, false, version));
  if (path === '/openapi/v3') return found(openApiIndex(registry));
  if (path.startsWith('/openapi/v3/'))
    return found(parts[2] === 'api' ? openApi(registry, '', parts[3] ?? '') : openApi(registry, parts[3] ?? '', parts[4] ?? ''));
  if (parts[0] === 'api' && parts.length === 2) return found(resourceList(registry, '', parts[1] ?? ''));
  if (parts[0] === 'apis' && parts.length === 2) return found(group(registry, parts[1] ?? ''));
  if (parts[0] === 'apis' && parts.length === 3) return found(resourceList(registry, parts[1] ?? '', parts[2] ?? ''));
  return undefined;
};

const send = (response: ServerResponse, reply: Answer | string, accept: string, how: FaultAction | undefined): void => {
  if (response.destroyed) return;
  const text = typeof reply === 'string' ? reply : JSON.stringify(reply.body);
  const asked = /application\/json;[^,]*as=APIGroupDiscoveryList/.exec(accept)?.[0] ?? 'application/json';
  const type = typeof reply === 'string' ? 'text/plain' : text.startsWith('{"kind":"APIGroupDiscoveryList"') ? asked : 'application/json';
  response.setHeader('content-type', type);
  if (typeof reply !== 'string') {
    reply.warnings.forEach((warning) => response.appendHeader('warning', `299 - ${JSON.stringify(warning)}`));
    const details = reply.body['details'];
    const wait = typeof details === 'object' && details !== null && 'retryAfterSeconds' in details ? details.retryAfterSeconds : undefined;
    if (wait !== undefined && reply.code >= 400) response.setHeader('retry-after', textOf(wait));
  }
  response.setHeader('content-length', Buffer.byteLength(text));
  response.writeHead(typeof reply === 'string' ? 200 : reply.code);
  if (how?.kind === 'partial-body') response.write(text.slice(0, text.length / 2), () => response.destroy());
  else response.end(text);
};

const failure = (error: unknown): Answer => {
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, 'InternalError', error instanceof Error ? (error.stack ?? error.message) : String(error));
  return { code: known.code, body: known.toStatus(), warnings: [] };
};

/** Answers one request. Never throws. */
export const answer = async (front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { world, faults } = front;
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', 'http://double');
  const accept = request.headers.accept ?? '*/*';
  const contentType = request.headers['content-type'] ?? 'application/json';
  const userAgent = request.headers['user-agent'] ?? '';
  response.on('error', () => undefined);
  const body = await bodyOf(request).catch(() => undefined);
  if (body === undefined) return;
  const target = targetOf(world.registry, url.pathname);
  const verb = target === undefined ? undefined : verbOf(method, target, url.searchParams, contentType);
  const log = front.requests.add({
    method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    userAgent,
    verb,
    body,
    resource: target?.resource.store,
    namespace: target?.namespace ?? '',
    name: target?.name,
    subresource: target?.subresource ?? '',
    status: undefined,
    committed: false,
  });
  const incoming = { method, url: `${url.pathname}${url.search}`, userAgent, watch: verb === 'watch' };
  const hooks = faults.hooks(incoming);
  const cut = (): void => {
    log.status = 0;
    response.destroy();
  };
  const fault = faults.take(incoming);
  if (fault?.kind === 'delay') await fault.until;
  if (fault?.kind === 'reset' || (await hooks.before()) === 'reset') {
    cut();
    return;
  }
  const before = world.store.version;
  let reply: Answer | string;
  try {
    if (fault?.kind === 'status') throw faultError(fault);
    if (target === undefined || verb === undefined) {
      const found = meta(world, method, url.pathname, accept);
      if (found === undefined) throw target === undefined ? noSuchPath() : methodNotAllowed();
      reply = found;
    } else if (verb === 'watch') {
      log.status = 200;
      startWatch(front, target, url.searchParams, accept, response);
      return;
    } else reply = handle(world, { target, verb, query: url.searchParams, accept, contentType, userAgent, body });
  } catch (error) {
    reply = failure(error);
  }
  log.committed = method !== 'GET' && world.store.version !== before;
  if ((await hooks.after()) === 'reset' || fault?.kind === 'lost-reply') {
    cut();
    return;
  }
  log.status = typeof reply === 'string' ? 200 : reply.code;
  send(response, reply, accept, fault);
};

const startWatch = (front: Front, target: Target, query: URLSearchParams, accept: string, response: ServerResponse): void => {
  const { world } = front;
  const { resource, namespace } = target;
  if (query.has('sendInitialEvents') && !front.watchList) {
    const options = { group: 'meta.k8s.io', plural: '', kind: 'ListOptions' };
    throw invalid(options, '', [
      forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled'),
    ]);
  }
  const show = (object: JsonObject, first: boolean): JsonObject => present(world, resource, object, { accept, query }, first);
  const watch = new Watch(world, { resource, namespace, query, show, response });
  front.watches.add(watch);
  watch.start(front.bookmarkEveryMs);
};
