import type { Api } from '../../web/api.ts';
import { documentPage, openApiText } from '../open-api.ts';

/** The API's own description, for who is signed in or not: it holds nothing of the production. */
export function documentRoutes(app: Api): void {
  app.get('/openapi.json', (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(openApiText(app)),
  );
  app.get('/docs', (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(documentPage(app)),
  );
}
