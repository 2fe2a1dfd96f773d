//! What rustls says, in the words of someone who has to mend it.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::failure::Failure;
use crate::ErrorKind;

const CA_HINT: &str = "give the file of the authority that signed it as ca_file";
const NAME_HINT: &str =
    "connect by a name it is for, give that as server_name, or check_hostname=False";
const CLIENT_HINT: &str = "give a certificate the server trusts as cert_file and key_file";
const NO_TLS_HINT: &str = "does that port speak TLS? without TLS it is redis://";

impl Failure {
    /// An error of a stream, which may carry one of TLS.
    pub(super) fn stream(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|e| e.downcast_ref::<TlsError>());
        inner.map_or_else(|| Self::io(error), tls_failure)
    }

    /// A plain server takes the first record for the start of a command, and waits for the rest.
    pub(super) fn tls_timeout(seconds: f64) -> Self {
        let mut failure = Self::connect_timeout(seconds, "the TLS handshake");
        failure.hint = NO_TLS_HINT.to_owned();
        failure
    }

    pub(super) fn closed_in_tls() -> Self {
        let reason = "the server closed the connection in the TLS handshake";
        Self::new(ErrorKind::Connection, reason, NO_TLS_HINT)
    }
}

/// Never worth another attempt: the certificates will be the same.
pub(super) fn tls_failure(error: &TlsError) -> Failure {
    let (reason, hint) = match error {
        TlsError::InvalidCertificate(refused) => certificate(refused),
        TlsError::AlertReceived(alert) => alert_text(*alert),
        TlsError::InvalidMessage(_) => {
            (format!("what it answers is not TLS: {error}"), NO_TLS_HINT)
        }
        _ => (format!("TLS failed: {error}"), ""),
    };
    Failure::new(ErrorKind::Connection, reason, hint).for_good()
}

fn certificate(refused: &CertificateError) -> (String, &'static str) {
    use CertificateError as C;
    let hint = match refused {
        C::UnknownIssuer | C::BadSignature => CA_HINT,
        C::NotValidForName | C::NotValidForNameContext { .. } => NAME_HINT,
        C::Expired | C::ExpiredContext { .. } => "renew it on the server",
        C::NotValidYet | C::NotValidYetContext { .. } => "is this machine's clock right?",
        _ => "see the server's tls-cert-file",
    };
    let reason = match refused {
        C::UnknownIssuer => "signed by an authority that is not trusted".to_owned(),
        other => other.to_string(),
    };
    (
        format!("the server's TLS certificate is refused: {reason}"),
        hint,
    )
}

fn alert_text(alert: AlertDescription) -> (String, &'static str) {
    use AlertDescription as A;
    let hint = match alert {
        A::CertificateRequired
        | A::BadCertificate
        | A::UnknownCA
        | A::CertificateUnknown
        | A::CertificateExpired
        | A::UnsupportedCertificate
        | A::HandshakeFailure
        | A::AccessDenied => CLIENT_HINT,
        _ => "",
    };
    (
        format!("the server ended TLS with the alert {alert:?}"),
        hint,
    )
}
