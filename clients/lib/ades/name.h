/*
 * Subjects of certificates, read from the person up. RFC 4514 writes them so; their encoding goes
 * from the country down (X.501), that of some authorities from the person up too: where the country
 * stands says which.
 */
#ifndef ADES_NAME_H
#define ADES_NAME_H

#include <openssl/x509.h>

/* The entry so many steps up; NULL after the last. It belongs to name. */
const X509_NAME_ENTRY *name_entry_up(const X509_NAME *name, int steps);

#endif
