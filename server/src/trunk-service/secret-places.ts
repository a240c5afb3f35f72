/** The names that sealed passwords are bound to: one cannot be moved to another kind of record. */
export const CREDENTIAL_SECRETS = 'zentrunk_credentials';
export const URI_SECRETS = 'zentrunk_uris';
