import type { Definition } from '../definition.ts';
import type { Problems } from '../problem.ts';

/** What must hold between the hosts of a production. */
export function checkWiring({ services }: Definition, problems: Problems): void {
  if (services.size > 0) return;
  const place = { file: 'production.yaml', line: 1, column: 1 };
  const remedy = 'Add a service, such as one with the adapter mllp-in or file-in.';
  problems.error(place, 'services', 'the production has no service', remedy);
}
