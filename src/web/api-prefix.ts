/** The path under which every resource of the API lies. */
export const API_PREFIX = '/api/v1';
