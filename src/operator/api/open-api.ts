import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

/** How the routes become an OpenAPI document. */
export const openApi: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Waybill operator API',
      version: '1.0.0',
      description:
        'What the console and scripts ask of the operator plane. Errors are application/problem+json (RFC 9457) with a stable `code`.',
    },
  },
  hideUntagged: true,
};
