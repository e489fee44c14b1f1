import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { permissionsNeeded } from '../access/rights/require-permission.ts';
import type { Api } from '../web/api.ts';
import { Problem } from '../web/problem.ts';

/** Turns the routes into an OpenAPI document. */
export const openApi: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Waybill operator API',
      version: '1.0.0',
      description:
        'The interface of the operator plane for the console and for scripts. Errors are application/problem+json (RFC 9457) with a stable `code`. `x-permissions` is what every such request needs; its content may need more.',
    },
  },
  hideUntagged: true,
  transform: ({ schema, url, route: { onRequest } }) => ({
    url,
    schema: { ...withProblem(schema), ...withPermissions(permissionsNeeded(onRequest)) },
  }),
};

/** Every route may also answer with a problem. */
function withProblem(schema: FastifySchema | undefined): FastifySchema {
  // a route without a schema is hidden anyway
  if (schema === undefined) return { hide: true };
  const given = typeof schema.response === 'object' ? schema.response : {};
  const content = { 'application/problem+json': { schema: Problem } };
  return {
    ...schema,
    response: { ...given, default: { description: 'What went wrong.', content } },
  };
}

/** What every such request needs; its content may need more. */
const withPermissions = (needed: readonly string[]): object =>
  needed.length === 0 ? {} : { 'x-permissions': needed };

/** What the API says of itself; it contains nothing about the production. */
export interface ApiDocuments {
  /** OpenAPI; checked in as `docs/openapi.json`. */
  readonly json: string;
  /** For people, without any script. */
  readonly page: string;
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly 'x-permissions'?: readonly string[];
}

/** The document as it is checked in: `docs/openapi.json`. */
export function openApiText(app: Pick<Api, 'swagger'>): string {
  return `${JSON.stringify(app.swagger(), null, 2)}\n`;
}

/** The document as a page for people, without any script. */
export function documentPage(app: Pick<Api, 'swagger'>): string {
  const paths = Object.entries(app.swagger().paths ?? {});
  const rows = paths.flatMap(([path, methods]) =>
    Object.entries(methods as Readonly<Record<string, Operation>>).map(
      ([
        method,
        { tags = [], summary = '', description = '', 'x-permissions': permissions = [] },
      ]) =>
        `<tr><td>${escaped(tags.join(', '))}</td><td><code>${method.toUpperCase()} ${escaped(path)}</code></td><td>${escaped(`${summary} ${description}`)}</td><td>${escaped(permissions.join(', '))}</td></tr>`,
    ),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Waybill operator API</title></head>
<body><h1>Waybill operator API</h1>
<p>The schemas are in <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<table><thead><tr><th>Area</th><th>Request</th><th>What it does</th><th>Permission</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></body></html>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
