/** The path prefix of every resource of the API. */
export const API_PREFIX = '/api/v1';
