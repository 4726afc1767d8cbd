//! TLS and HTTP/2.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::Response;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::world::{Granted, request};
use crate::error;

/// How much there is at `/much`: more than a server sends of an answer that nobody reads.
const MUCH: usize = 3 << 20;

/// A server for `localhost` that speaks HTTP/2; its port, and its certificate in PEM.
async fn secure() -> (u16, String) {
    let pair = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&pair).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever does not trust the certificate hangs up.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let answer = service_fn(|request: hyper::Request<_>| async move {
                    let _: &hyper::body::Incoming = request.body();
                    let told = match request.uri().path() {
                        "/much" => "x".repeat(MUCH),
                        _ => format!("{:?} {}", request.version(), request.uri()),
                    };
                    Ok::<_, Infallible>(Response::new(told))
                });
                let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    });
    (port, certificate.pem())
}

fn granted(port: u16) -> Granted {
    let names: &[(&str, &[&str])] = &[("localhost", &["127.0.0.1"]), ("other", &["127.0.0.1"])];
    Granted::with_names(names).hosts(&[&format!("localhost:{port}"), &format!("other:{port}")])
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let (port, pem) = secure().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    let world = granted(port).set(|set| set.ca_file = Some(path)).world();
    let target = format!("https://localhost:{port}/rows");
    let (status, told) = world.whole(request("GET", &target)).await.unwrap();
    assert_eq!((status, told), (200, format!("HTTP/2.0 {target}")));
    // The certificate is for another name.
    let error = world.fails(request("GET", &format!("https://other:{port}/"))).await;
    assert!(error.message.contains("cannot trust `other`"), "{error}");
}

#[tokio::test]
async fn answers_that_wait_hold_up_no_other() {
    let (port, pem) = secure().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    let set = |set: &mut crate::Settings| {
        set.ca_file = Some(path);
        set.read_timeout = std::time::Duration::from_secs(20);
    };
    let world = granted(port).set(set).world();
    let target = format!("https://localhost:{port}/much");
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(world.get(&target).await.unwrap());
    }
    // The one that came last is read first, all of it over the one connection that they share.
    while let Some(mut answer) = waiting.pop() {
        assert_eq!(super::world::read(&mut answer).await.unwrap().len(), MUCH);
    }
}

#[tokio::test]
async fn nobody_else_is_trusted() {
    let (port, _) = secure().await;
    let world = granted(port).world();
    let error = world.fails(request("GET", &format!("https://localhost:{port}/"))).await;
    assert_eq!(error.code, "host.tls");
    assert!(error.message.contains("cannot trust `localhost`"), "{error}");
    assert!(error.message.contains("`ca_file`"), "{error}");
}

#[tokio::test]
async fn a_file_of_certificates_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    for (text, words) in [(None, "cannot read"), (Some("no"), "holds no certificate")] {
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let granted = granted(1).set(|set| set.ca_file = Some(path.clone()));
        let error = granted.world().fails(request("GET", "https://localhost:1/")).await;
        assert_eq!(error.kind, hygge_core::fault::FaultKind::Config);
        assert!(error.message.contains(words) && error.message.contains("`ca_file`"), "{error}");
    }
}

#[tokio::test]
async fn tls_is_not_spoken_by_everybody() {
    let server = super::server::Server::start(|_| super::server::ok("plain")).await;
    let error = granted(server.port)
        .world()
        .fails(request("GET", &format!("https://localhost:{}/", server.port)))
        .await;
    assert_ne!(error.code, error::NOT_GRANTED);
    assert!(error.message.contains("`localhost`"), "{error}");
}
