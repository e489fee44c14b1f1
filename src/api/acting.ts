import type { FastifyRequest } from 'fastify';
import { type AuditEntry, recorded, withEmergency } from '../access/audit/audit.ts';
import { principalOf } from '../access/rights/require-permission.ts';
import { isVisible, type TracedMessage } from '../trace/traced-message.ts';
import { ApiError } from '../web/api-error.ts';
import type { ApiContext } from './context.ts';

export type Act = Pick<AuditEntry, 'action' | 'object' | 'detail'>;

/** Carries out what a person ordered and records the result, success or failure, before answering. */
export async function audited<Result>(
  { audit }: ApiContext,
  request: FastifyRequest,
  act: Act,
  run: () => Promise<Result>,
): Promise<Result> {
  const principal = principalOf(request);
  const { name, via } = principal;
  const detail = withEmergency(principal, act.detail);
  return recorded(audit, { actor: { name, via }, ip: request.ip, ...act, detail }, run);
}

/** A message that the caller may see; otherwise 404, as if it did not exist. */
export async function visibleMessage(
  { trace }: ApiContext,
  request: FastifyRequest,
  id: number,
): Promise<TracedMessage> {
  const message = await trace.message(id);
  if (message === undefined || !isVisible(message, principalOf(request).visibleHosts)) {
    throw new ApiError(404, 'NOT_FOUND', `there is no message ${id} in the trace`);
  }
  return message;
}

/** A message whose target the caller may see too: acting on a message means acting on its target. */
export async function messageToActOn(
  context: ApiContext,
  request: FastifyRequest,
  id: number,
): Promise<TracedMessage> {
  const message = await visibleMessage(context, request, id);
  checkVisibleHost(request, message.target);
  return message;
}

/** Throws 404 for a host that the caller may not see. */
export function checkVisibleHost(request: FastifyRequest, host: string): void {
  const { visibleHosts } = principalOf(request);
  if (visibleHosts === undefined || visibleHosts.includes(host)) return;
  throw new ApiError(404, 'HOST_UNKNOWN', `there is no host ${host}`);
}

/** The hosts that the caller may see among those asked for; undefined means all. */
export function visibleAmong(
  request: FastifyRequest,
  hosts: readonly string[] | undefined,
): readonly string[] | undefined {
  const { visibleHosts } = principalOf(request);
  if (visibleHosts === undefined) return hosts;
  return hosts === undefined ? visibleHosts : hosts.filter((host) => visibleHosts.includes(host));
}
